import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { loopbackTls } from './tls.ts'

export type Listening = {
  /** `https://127.0.0.1:<port>`, the same after `down` and `up`. */
  readonly server: string
  readonly caPem: string
  /** Ends one connection with a TCP reset. */
  readonly reset: (connection: Socket | null) => void
  /** Resets every connection and refuses new ones. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
}

/** An HTTPS server on a free port of the loopback interface. */
export const listen = async (handle: RequestListener): Promise<Listening> => {
  const { caPem, certPem, keyPem } = loopbackTls()
  const https = createServer({ cert: certPem, key: keyPem }, handle)
  // A TLS socket can't send a reset, the TCP socket under it can.
  const sockets = new Map<number, Socket>()
  https.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? -1
    sockets.set(port, socket)
    socket.on('close', () => sockets.delete(port))
  })
  await once(https.listen(0, '127.0.0.1'), 'listening')
  const address = https.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  const { port } = address
  return {
    server: `https://127.0.0.1:${port}`,
    caPem,
    reset: (connection) => sockets.get(connection?.remotePort ?? -1)?.resetAndDestroy(),
    down: async () => {
      if (!https.listening) return
      const closed = once(https, 'close')
      https.close()
      for (const socket of sockets.values()) socket.resetAndDestroy()
      await closed
    },
    up: async () => {
      await once(https.listen(port, '127.0.0.1'), 'listening')
    },
  }
}
