import { Agent, request } from 'undici'

type Scrape = {
  readonly token?: string | undefined
  /** The CA and the name that the certificate must have. Without them the certificate is not verified. */
  readonly ca?: string
  readonly servername?: string
}

/** Over HTTPS, as the ServiceMonitor of deploy/monitoring has it. */
export async function scrape(
  url: string,
  { token, ca, servername }: Scrape,
): Promise<{ readonly code: number; readonly text: string }> {
  const verified = ca === undefined ? {} : { ca, servername }
  const dispatcher = new Agent({ connect: { rejectUnauthorized: ca !== undefined, ...verified } })
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  try {
    const reply = await request(url, { dispatcher, headers })
    return { code: reply.statusCode, text: await reply.body.text() }
  } finally {
    await dispatcher.close()
  }
}
