import { STATUS_CODES } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import Fastify from 'fastify'
import type { Log } from '../log.ts'
import type { Newcomers } from './newcomers.ts'
import { maxBodyBytes, refusals, statusBody } from './refusal.ts'

export type Tls = { readonly key: string; readonly cert: string; readonly clientCa?: string | undefined }

/** How long a client may take, in ms. A client that has been idle for `idle` has `body` to close its connection. */
export type Timeouts = {
  readonly handshake: number
  readonly headers: number
  readonly body: number
  /** Longer than the API server's 90 s, so that it closes a connection before it finds it closed. */
  readonly idle: number
}

export const usualTimeouts: Timeouts = { handshake: 10_000, headers: 10_000, body: 10_000, idle: 120_000 }

/**
 * How many streams a client may cancel at once, and then per second, before its session is ended. The API server
 * cancels a stream for each request that a user gives up. Node's own limits, 1,000 and 33, would end a busy session
 * and every review on it; no client reaches ours.
 */
export type StreamResets = { readonly burst: number; readonly perSecond: number }

export const usualStreamResets: StreamResets = { burst: 100_000, perSecond: 100_000 }

/** How many streams a connection may have, as in Go's own server. Its client opens another connection for more. */
const maxConcurrentStreams = 250

/** fastify over HTTP/2 and HTTP/1.1, with a limit on everything that a client can occupy. */
export function createListener(tls: Tls, timeouts: Timeouts, resets: StreamResets) {
  const https = {
    ...secureContext(tls),
    allowHTTP1: true,
    requestCert: tls.clientCa !== undefined,
    rejectUnauthorized: tls.clientCa !== undefined,
    handshakeTimeout: timeouts.handshake,
    settings: { maxConcurrentStreams },
    streamResetBurst: resets.burst,
    streamResetRate: resets.perSecond,
    // These four are for HTTP/1.1. Bodies have a timer of their own, which covers HTTP/2 and answers.
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.headers + 2 * timeouts.body,
    connectionsCheckingInterval: Math.min(1000, timeouts.headers),
    keepAliveTimeout: timeouts.idle,
  }
  return Fastify({
    http2: true,
    https,
    // fastify's own timeout is off; endIdleSessions takes its place.
    http2SessionTimeout: 0,
    bodyLimit: maxBodyBytes,
    logger: false,
    exposeHeadRoutes: false,
    // Calls that arrive while closing are served, because the API server would not repeat them elsewhere.
    return503OnClosing: false,
    clientErrorHandler: answerBadHttp,
    // A path that is no valid URL contains no token.
    frameworkErrors: (_error, _request, reply) => {
      const { stranger } = refusals
      reply.raw.writeHead(stranger.code, { 'content-type': 'application/json' }).end(statusBody(stranger))
    },
  })
}

export type App = ReturnType<typeof createListener>

/**
 * Returns the whole context, client CA included, because node:tls drops a client CA that a new context lacks. Where there is
 * none the list is empty: without a list node:tls would load its root certificates, some MiB, for a server that asks no client for one.
 */
export const secureContext = ({ key, cert, clientCa }: Tls) => ({ key, cert, ca: clientCa ?? [] })

/** Answers input that node:http could not parse: bad syntax, or a head that is too large or too slow. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const code = codes.get(error.code ?? '') ?? 400
    const message = 'this is no HTTP request that can be read, or it came too slowly'
    const body = statusBody({ code, reason: 'BadRequest', message })
    const head = ['content-type: application/json', `content-length: ${body.length}`, 'connection: close']
    socket.write([`HTTP/1.1 ${code} ${STATUS_CODES[code]}`, ...head, '', body].join('\r\n'))
  }
  socket.destroy()
}

const codes: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
])

/** A client that gives up on our certificate is worth a warning: it holds another caBundle. Port scans are not. */
export function logHandshakes(server: Http2SecureServer, log: Log): void {
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const fields = { code: error.code, client: socket.remoteAddress }
    if (error.code?.includes('_ALERT_')) log.warn(fields, 'a client refused the webhook certificate')
    else log.debug(fields, 'a TLS handshake failed')
  })
}

/** An HTTP/2 session that ends by an error takes all reviews on it with it. */
export function logSessions(server: Http2SecureServer, log: Log): void {
  server.on('session', (session) => {
    const client = session.socket.remoteAddress
    session.on('error', (error: NodeJS.ErrnoException) => {
      const fields = { code: error.code, client, why: error.message }
      if (error.code?.startsWith('ERR_HTTP2_'))
        log.warn(fields, 'an HTTP/2 session was ended, and every review on it')
      else log.debug(fields, 'an HTTP/2 connection broke')
    })
  })
}

/** Closes connections over the limit before their handshake. */
export function limitNewcomers(
  server: Http2SecureServer,
  newcomers: Newcomers,
  dropped: (address: string) => void,
): void {
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    if (newcomers.open(address)) {
      socket.once('close', () => newcomers.closed(address))
      return
    }
    dropped(address)
    socket.resetAndDestroy()
  })
}

/**
 * Asks an idle session to end and destroys it if it stays. `close`, which fastify would call, waits for the session's
 * streams and then for the client, so a client that reads nothing would keep the session for ever.
 */
export function endIdleSessions(server: Http2SecureServer, { idle, body: graceMs }: Timeouts): void {
  server.on('session', (session) => {
    session.setTimeout(idle, () => {
      session.goaway()
      const cutOff = setTimeout(() => session.destroy(), graceMs)
      session.once('close', () => clearTimeout(cutOff))
    })
  })
}

/** Keeps track of all connections, so that the end of a drain can close those that are left. */
export function connections(server: Http2SecureServer): { readonly destroyAll: () => void } {
  const open = new Set<Socket>()
  // The TCP connections are tracked, because one may never complete its TLS handshake.
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    destroyAll: () => {
      for (const socket of open) socket.destroy()
    },
  }
}
