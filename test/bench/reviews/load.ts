import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { webhookHost } from '../../support/webhook-host.ts'
import type { Connection } from './connection.ts'
import { Http1Connection } from './http1.ts'
import { Http2Connection } from './http2.ts'

export type Protocol = 'h2' | 'http/1.1'

/** How kube-apiserver comes: with HTTP/2 a handful of connections, with HTTP/1.1 one for each request in flight. */
const shapes = {
  h2: { connections: 4, inFlight: 32 },
  'http/1.1': { connections: 128, inFlight: 1 },
} as const satisfies Record<Protocol, { connections: number; inFlight: number }>

export type Target = { readonly port: number; readonly ca: string; readonly path: string }

/**
 * Posts bodies for some seconds, a new one as soon as one is answered, and says how many were answered. The
 * frames are made by hand: Node's own client costs more than the server that is measured. Any answer but a 200
 * that allows is an error.
 */
export async function load(
  { port, ca, path }: Target,
  protocol: Protocol,
  bodies: readonly string[],
  seconds: number,
): Promise<{ readonly answered: number; readonly seconds: number }> {
  const { connections, inFlight } = shapes[protocol]
  const posts = { authority: `${webhookHost}:${port}`, path: `${path}?timeout=5s`, bodies }
  const lines = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: webhookHost, port, ca, ALPNProtocols: [protocol] })
      await once(socket, 'secureConnect')
      socket.setNoDelay(true)
      const connection = protocol === 'h2' ? new Http2Connection(posts) : new Http1Connection(posts)
      return { socket, connection }
    }),
  )
  const started = performance.now()
  const failed = Promise.withResolvers<never>()
  for (const line of lines) drive(line, inFlight, failed.reject)
  const timer = Promise.withResolvers<void>()
  setTimeout(timer.resolve, seconds * 1000)
  await Promise.race([timer.promise, failed.promise])
  const answered = lines.reduce((sum, { connection }) => sum + connection.answered, 0)
  const taken = (performance.now() - started) / 1000
  for (const { socket } of lines) socket.removeAllListeners('close').destroy()
  return { answered, seconds: taken }
}

function drive(
  { socket, connection }: { readonly socket: TLSSocket; readonly connection: Connection },
  inFlight: number,
  fail: (error: Error) => void,
): void {
  socket.on('error', fail)
  socket.once('close', () => fail(new Error('the server closed a connection')))
  socket.on('data', (chunk: Buffer) => {
    try {
      const reply = connection.receive(chunk)
      if (reply) socket.write(reply)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  })
  socket.write(connection.begin(inFlight))
}
