import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import Fastify from 'fastify'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { remembering, type Authorize } from './authorizations.ts'
import { portOf, type Listening } from './listening.ts'

/** PEM. */
export type ServingCertificate = { readonly key: string; readonly cert: string }

type MetricsServerOptions = {
  /** Empty for every address of the machine. */
  readonly host: string
  readonly port: number
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>
  /** HTTP without it. `later`: HTTPS whose handshakes fail until a certificate is given. */
  readonly tls?: ServingCertificate | 'later' | undefined
  /** Everybody may read without it. */
  readonly authorize?: Authorize | undefined
  readonly log: Log
}

export type MetricsServer = Listening & {
  /** For new connections; those that are open stay as they are. No effect on HTTP. */
  readonly useCertificate: (tls: ServingCertificate) => void
}

/** Serves `/metrics` alone. Rejects if it can't listen. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port, metrics, tls, log } = options
  const authorize = options.authorize && remembering(options.authorize)
  const https = tls && createHttpsServer(tls === 'later' ? {} : secureContext(tls))
  const app = Fastify({
    forceCloseConnections: true,
    serverFactory: (handler) => (https ?? createHttpServer()).on('request', handler),
  })
  app.get('/metrics', async (request, reply) => {
    const refusal = authorize && (await scrapeRefusal(request.headers.authorization, authorize, log))
    if (refusal)
      return reply.code(refusal.code).headers(refusal.headers).type('text/plain').send(refusal.text)
    return reply.type(metrics.contentType).send(await metrics.text())
  })
  await app.listen({ host, port })
  return {
    port: portOf(app.server),
    close: () => app.close(),
    useCertificate: (renewed) => https?.setSecureContext(secureContext(renewed)),
  }
}

const secureContext = ({ key, cert }: ServingCertificate): SecureContextOptions => ({
  key,
  cert,
  // Without a list node:tls would load its root certificates, some MiB, though no client is asked for a certificate.
  ca: [],
  minVersion: 'TLSv1.2',
})

type Refusal = {
  readonly code: 401 | 403 | 503
  readonly headers: Record<string, string>
  readonly text: string
}

async function scrapeRefusal(
  header: string | undefined,
  authorize: Authorize,
  log: Log,
): Promise<Refusal | undefined> {
  // RFC 6750, section 2.1
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header ?? '')?.[1]
  const unauthenticated: Refusal = {
    code: 401,
    headers: { 'www-authenticate': 'Bearer' },
    text: 'a bearer token that the API server knows is needed\n',
  }
  if (token === undefined) return unauthenticated
  try {
    switch (await authorize(token)) {
      case 'allowed':
        return undefined
      case 'unauthenticated':
        return unauthenticated
      case 'forbidden':
        return { code: 403, headers: {}, text: 'the token may not GET the URL /metrics\n' }
    }
  } catch (err) {
    log.warn({ err }, 'could not ask the API server who may read metrics')
    return { code: 503, headers: { 'retry-after': '5' }, text: 'the API server did not answer\n' }
  }
}
