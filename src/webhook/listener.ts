import type { Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import Fastify from 'fastify'
import type { Log } from '../log.ts'
import type { Newcomers } from './newcomers.ts'
import { maxBodyBytes, refusals, statusBody } from './refusal.ts'

export type Tls = { readonly key: string; readonly cert: string; readonly clientCa?: string | undefined }

/** How long a client may take, in ms; one that has been idle for too long gets the time of a body to leave. */
export type Patience = {
  readonly handshake: number
  readonly headers: number
  readonly body: number
  /** Longer than the API server's 90 s, so that it closes a connection before it finds it closed. */
  readonly idle: number
}

export const usualPatience: Patience = { handshake: 10_000, headers: 10_000, body: 10_000, idle: 120_000 }

/**
 * A client may cancel this many streams at once, and as many a second after that, before its session is ended. The API
 * server cancels one for each request that a user gives up; Node's own limit, 1,000 and 33, would end a session that is
 * as busy as one can be, and every review on it. No client reaches this one.
 */
export type StreamResets = { readonly burst: number; readonly perSecond: number }

export const usualStreamResets: StreamResets = { burst: 100_000, perSecond: 100_000 }

/** As many as Go's own server allows on a connection; its client opens another one for more. */
const maxConcurrentStreams = 250

/** fastify over HTTP/2, and HTTP/1.1 for those who ask for it, with a limit on whatever a client can hold. */
export function createListener(tls: Tls, patience: Patience, resets: StreamResets) {
  const https = {
    ...secureContext(tls),
    allowHTTP1: true,
    requestCert: tls.clientCa !== undefined,
    rejectUnauthorized: tls.clientCa !== undefined,
    handshakeTimeout: patience.handshake,
    settings: { maxConcurrentStreams },
    streamResetBurst: resets.burst,
    streamResetRate: resets.perSecond,
    // These four are for HTTP/1.1. Bodies have a timer of their own, which covers HTTP/2 and answers.
    headersTimeout: patience.headers,
    requestTimeout: patience.headers + 2 * patience.body,
    connectionsCheckingInterval: Math.min(1000, patience.headers),
    keepAliveTimeout: patience.idle,
  }
  return Fastify({
    http2: true,
    https,
    // None of fastify's own: see endIdleSessions.
    http2SessionTimeout: 0,
    bodyLimit: maxBodyBytes,
    logger: false,
    exposeHeadRoutes: false,
    // What still arrives while closing is served: the API server has nobody else to ask for it.
    return503OnClosing: false,
    clientErrorHandler: answerBadHttp,
    // A path that is no URL, and so none with a token.
    frameworkErrors: (_error, _request, reply) => {
      const { stranger } = refusals
      reply.raw.writeHead(stranger.code, { 'content-type': 'application/json' }).end(statusBody(stranger))
    },
  })
}

export type App = ReturnType<typeof createListener>

/** All of it each time: node:tls forgets the client CA when it is given a context without one. */
export function secureContext({ key, cert, clientCa }: Tls): { key: string; cert: string; ca?: string } {
  return { key, cert, ...(clientCa !== undefined && { ca: clientCa }) }
}

/** What node:http could not make a request of: bad syntax, too large or too slow a head. */
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

/** Ends the connections that are one too many, before their handshake. */
export function limitNewcomers(
  server: Http2SecureServer,
  newcomers: Newcomers,
  dropped: (address: string) => void,
): void {
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    if (newcomers.admits(address)) {
      socket.once('close', () => newcomers.left(address))
      return
    }
    dropped(address)
    socket.resetAndDestroy()
  })
}

/**
 * Asks a session that has been idle for long to leave, and cuts it off if it stays. `close`, which is what fastify
 * would call, waits for its streams and then for the client: one that reads no answer would keep them for ever.
 */
export function endIdleSessions(server: Http2SecureServer, { idle, body: graceMs }: Patience): void {
  server.on('session', (session) => {
    session.setTimeout(idle, () => {
      session.goaway()
      const cutOff = setTimeout(() => session.destroy(), graceMs)
      session.once('close', () => clearTimeout(cutOff))
    })
  })
}

/** Every connection there is, so that the end of a drain can be an end. */
export function connections(server: Http2SecureServer): { readonly destroyAll: () => void } {
  const open = new Set<Socket>()
  // The TCP connection: one that never gets through its handshake has to go too.
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
