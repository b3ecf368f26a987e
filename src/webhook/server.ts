import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { AdmissionRequest } from './admission-review.ts'
import { Deadlines } from './deadline.ts'
import { addRoutes, type Observe, type Review } from './http-routes.ts'
import {
  connections,
  createListener,
  endIdleSessions,
  limitNewcomers,
  logHandshakes,
  logSessions,
  secureContext,
  usualTimeouts,
  usualStreamResets,
  type App,
  type Timeouts,
  type StreamResets,
  type Tls,
} from './listener.ts'
import { Newcomers, usualConnectionLimits, type ConnectionLimits } from './newcomers.ts'
import { ThrottledLog } from './throttled-log.ts'

export type { AdmissionRequest, Observe, Timeouts, Review, Tls }

export type WebhookServerOptions = {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly tls: Tls
  /** A review for each webhook, by the first label of the webhook's name: `validate` has the path `/validate/<token>`. */
  readonly routes: Readonly<Record<string, Review>>
  /** Whether a call with this token is to be served. Any other gets the same 403, and nothing else happens. */
  readonly admits: (token: string) => boolean
  readonly log: Log
  /** The part of a request's timeout that is kept for the answer to travel; by default 500 ms. */
  readonly reserveMs?: number
  readonly timeouts?: Partial<Timeouts>
  readonly observe?: Observe
  /** Called for each call without a token and for each connection over the limit. */
  readonly turnedAway?: (what: 'call' | 'connection') => void
  readonly connectionLimits?: ConnectionLimits
  readonly resets?: StreamResets
}

export type WebhookServer = {
  readonly port: number
  /**
   * Uses a certificate for new handshakes; open connections stay. Throws if the pair can't be used, and then keeps
   * the old one.
   */
  readonly setCertificate: (pair: { readonly key: string; readonly cert: string }) => void
  /**
   * From now on each answer over HTTP/1.1 asks its client to close the connection, while new calls and connections
   * are served as before. The server does not close connections itself, because a call that was just sent on one
   * would fail. Resolves once nobody has called for `quietMs`, or after `longestMs`.
   */
  readonly drain: (limits: { readonly quietMs: number; readonly longestMs: number }) => Promise<void>
  /**
   * Asks the clients to close their connections and serves the calls under way; connections left after `graceMs` are
   * destroyed.
   */
  readonly close: (graceMs?: number) => Promise<void>
}

const usualGraceMs = 10_000

const now = (): number => performance.now()

/** Rejects where the address is taken or the certificate can't be used. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host, port, tls, routes, admits, log, reserveMs = 500, observe, turnedAway } = options
  const timeouts = { ...usualTimeouts, ...options.timeouts }
  const app = createListener(tls, timeouts, options.resets ?? usualStreamResets)
  const newcomers = new Newcomers(options.connectionLimits ?? usualConnectionLimits, now)
  const strangers = strangersIn(log)
  limitNewcomers(app.server, newcomers, (address) => {
    strangers.connections.happened(address)
    turnedAway?.('connection')
  })
  const open = connections(app.server)
  const deadlines = new Deadlines()
  let closing = false
  let lastCall = now()
  logHandshakes(app.server, log)
  logSessions(app.server, log)
  endIdleSessions(app.server, timeouts)
  addRoutes(app, {
    routes,
    admits,
    cameWithToken: (address) => {
      lastCall = now()
      newcomers.cameWithToken(address)
    },
    turnedAway: (address) => {
      strangers.calls.happened(address)
      turnedAway?.('call')
    },
    log,
    reserveMs,
    timeouts,
    observe,
    deadlines,
    isClosing: () => closing,
  })
  await app.listen({ host, port })
  return {
    port: portOf(app.server.address()),
    setCertificate: ({ key, cert }) => app.server.setSecureContext(secureContext({ ...tls, key, cert })),
    drain: async ({ quietMs, longestMs }) => {
      closing = true
      const end = now() + longestMs
      lastCall = now()
      for (let left = quietMs; left > 0; left = Math.min(lastCall + quietMs, end) - now()) await sleep(left)
    },
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

/** Logs calls and connections that are turned away. They do not come from the API server, which has the token. */
const strangersIn = (log: Log) => ({
  calls: new ThrottledLog(
    (count, client) => log.warn({ count, client }, 'calls without the token of the webhook were refused'),
    now,
  ),
  connections: new ThrottledLog(
    (count, client) =>
      log.warn({ count, client }, 'new connections from an address that has shown no token were cut off'),
    now,
  ),
})

const portOf = (address: ReturnType<App['server']['address']>): number =>
  typeof address === 'object' && address ? address.port : 0
