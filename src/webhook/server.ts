import type { Log } from '../log.ts'
import type { AdmissionRequest } from './admission-review.ts'
import { addRoutes, type Observe, type Review } from './calls.ts'
import { Deadlines } from './deadline.ts'
import {
  connections,
  createListener,
  endIdleSessions,
  logHandshakes,
  secureContext,
  usualPatience,
  type App,
  type Patience,
  type Tls,
} from './listener.ts'

export type { AdmissionRequest, Observe, Patience, Review, Tls }

export type WebhookServerOptions = {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly tls: Tls
  /** By path, `/validate` and the like. */
  readonly routes: Readonly<Record<string, Review>>
  readonly log: Log
  /** Kept of a request's timeout for the answer to travel, 500 ms if not given. */
  readonly reserveMs?: number
  readonly patience?: Partial<Patience>
  readonly observe?: Observe
}

export type WebhookServer = {
  readonly port: number
  /** For new handshakes; open connections stay. Throws for a pair that can't be used, and keeps the old one. */
  readonly setCertificate: (pair: { readonly key: string; readonly cert: string }) => void
  /** Asks the clients to leave and serves what is under way; whatever is left after `graceMs` is cut off. */
  readonly close: (graceMs?: number) => Promise<void>
}

const usualGraceMs = 10_000

/** Rejects where the address is taken or the certificate can't be used. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host, port, tls, routes, log, reserveMs = 500, observe } = options
  const patience = { ...usualPatience, ...options.patience }
  const app = createListener(tls, patience)
  const open = connections(app.server)
  const deadlines = new Deadlines()
  let closing = false
  logHandshakes(app.server, log)
  endIdleSessions(app.server, patience)
  addRoutes(app, { routes, log, reserveMs, patience, observe, deadlines, isClosing: () => closing })
  await app.listen({ host, port })
  return {
    port: portOf(app.server.address()),
    setCertificate: ({ key, cert }) => app.server.setSecureContext(secureContext({ ...tls, key, cert })),
    close: async (graceMs = usualGraceMs) => {
      closing = true
      const cutOff = setTimeout(() => {
        deadlines.stopAll()
        open.destroyAll()
      }, graceMs)
      // fastify's close sends GOAWAY on HTTP/2 and ends what is idle; `closing` does the same for HTTP/1.1.
      await app.close().finally(() => clearTimeout(cutOff))
    },
  }
}

const portOf = (address: ReturnType<App['server']['address']>): number =>
  typeof address === 'object' && address ? address.port : 0
