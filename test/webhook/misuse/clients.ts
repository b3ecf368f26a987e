import type { EventEmitter } from 'node:events'
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** What a broken or hostile client does at a path, over and over; resolves when it has gone. */
export type Misuse = (url: string, path: string, connections: number) => Promise<void>

const postTo = (path: string) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/json' })
type Post = ReturnType<typeof postTo>

/** Streams that are cancelled as soon as they are open (CVE-2023-44487). */
const rapidResets = overSessions((session, post) => {
  for (let count = 0; count < 500; count++) {
    const stream = session.request(post)
    stream.on('error', () => {})
    stream.close(constants.NGHTTP2_CANCEL)
  }
})

/** More streams than are allowed, none of which ever says anything. */
const silentStreams = overSessions((session, post) => {
  for (let count = 0; count < 1000; count++)
    session
      .request(post)
      .on('error', () => {})
      .resume()
})

const pingsAndSettings = overSessions((session) => {
  for (let count = 0; count < 500; count++) {
    session.ping(() => {})
    session.settings({ initialWindowSize: 1000 + count })
  }
})

/** Answers that nobody reads: the window stays shut. */
const unreadAnswers = overSessions((session, post) => {
  session.settings({ initialWindowSize: 0 })
  for (let count = 0; count < 200; count++)
    session
      .request(post, {})
      .on('error', () => {})
      .end('{}')
})

const hugeHeaders = overSessions((session, post) => {
  for (let count = 0; count < 20; count++)
    session
      .request({ ...post, 'x-huge': 'x'.repeat(60_000) })
      .on('error', () => {})
      .resume()
})

/** RFC 9113, section 6.10: a header block that goes on in one CONTINUATION frame after the other. */
const endlessHeaders = overSockets(async (socket) => {
  const [settings, headers, continuation] = [4, 1, 9]
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(frame(settings, 0, Buffer.alloc(0)))
  socket.write(frame(headers, 1, Buffer.from([0x83])))
  // A literal field without indexing (RFC 7541, section 6.2.2), whose name and value are 64 bytes long.
  const field = Buffer.concat([
    Buffer.from([0, 64]),
    Buffer.alloc(64, 'a'),
    Buffer.from([64]),
    Buffer.alloc(64, 'b'),
  ])
  const block = frame(continuation, 1, Buffer.concat(Array.from({ length: 100 }, () => field)))
  for (let count = 0; count < 100 && socket.writable; count++) {
    socket.write(block)
    await after(1)
  }
})

const garbage = overSockets(async (socket) => {
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(Buffer.alloc(100_000, 0xff))
})

/** Connections that are made and then say nothing. */
const halfOpen: Misuse = async (url, _path, connections) => {
  const { hostname, port } = new URL(url)
  const sockets = Array.from({ length: 10 * connections }, () => connectTcp(Number(port), hostname))
  await Promise.all(sockets.map(gone))
}

/** Bodies that begin and never end, until the server has enough of them. */
const slowBodies = overSessions((session, post) => {
  for (let count = 0; count < 100; count++)
    session
      .request(post)
      .on('error', () => {})
      .resume()
      .write('{"kind":')
})

export const misuses: readonly (readonly [what: string, misuse: Misuse])[] = [
  ['streams that are reset at once', rapidResets],
  ['floods of silent streams', silentStreams],
  ['floods of PING and SETTINGS', pingsAndSettings],
  ['answers that nobody reads', unreadAnswers],
  ['huge headers', hugeHeaders],
  ['headers without an end', endlessHeaders],
  ['frames that are none', garbage],
  ['half-open connections', halfOpen],
  ['bodies that never end', slowBodies],
]

/** After this time all of the server's limits are over, so the server must have ended the connection. */
const untilCutOffMs = 8000

async function untilCutOff(closed: Promise<unknown>): Promise<void> {
  const open = after(untilCutOffMs, 'open', { ref: false })
  if ((await Promise.race([closed, open])) === 'open') throw new Error('the server keeps the connection')
}

function overSessions(misbehave: (session: ClientHttp2Session, post: Post) => void): Misuse {
  return async (url, path, connections) => {
    const one = async (): Promise<void> => {
      const limits = { maxOutstandingPings: 1000, maxOutstandingSettings: 1000 }
      const session = connectHttp2(url, { rejectUnauthorized: false, ...limits })
      session.on('error', () => {})
      const closed = emitted(session, 'close')
      await before(closed, emitted(session, 'connect'))
      misbehave(session, postTo(path))
      await untilCutOff(closed).finally(() => session.destroy())
    }
    await Promise.all(Array.from({ length: connections }, one))
  }
}

function overSockets(misbehave: (socket: TLSSocket) => Promise<void>): Misuse {
  return async (url, _path, connections) => {
    const { hostname, port } = new URL(url)
    const one = async (): Promise<void> => {
      const socket = connectTls({
        host: hostname,
        port: Number(port),
        ALPNProtocols: ['h2'],
        rejectUnauthorized: false,
      })
      const ended = gone(socket)
      await before(ended, emitted(socket, 'secureConnect'))
      await misbehave(socket)
      await ended
    }
    await Promise.all(Array.from({ length: connections }, one))
  }
}

/** Throws if a client got no connection: it would have misused nothing. */
async function before(closed: Promise<unknown>, connected: Promise<unknown>): Promise<void> {
  const first = await Promise.race([connected.then(() => 'connected'), closed])
  if (first !== 'connected') throw new Error('there was no connection')
}

/** `once` of node:events rejects where there is an error first; here there always is. */
const emitted = (emitter: EventEmitter, event: string): Promise<unknown> =>
  new Promise((resolve) => emitter.once(event, resolve))

async function gone(socket: Socket): Promise<void> {
  socket.on('error', () => {}).resume()
  await untilCutOff(emitted(socket, 'close')).finally(() => socket.destroy())
}

function frame(type: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
