import { Agent, request } from 'undici'

/** As the ServiceMonitor of deploy/monitoring has it: over HTTPS, unverified, with a token if there is one. */
export async function scrape(
  url: string,
  token?: string,
): Promise<{ readonly code: number; readonly text: string }> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  try {
    const reply = await request(url, { dispatcher, headers })
    return { code: reply.statusCode, text: await reply.body.text() }
  } finally {
    await dispatcher.close()
  }
}
