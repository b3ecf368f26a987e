import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { webhookHost } from '../../support/webhook-host.ts'

export type Balancer = {
  readonly url: string
  /** From now on connections may go to this replica. */
  readonly add: (port: number) => void
  /** From now on no new connection goes to this replica; open ones stay. */
  readonly remove: (port: number) => void
  /** Ends all connections, so that the next calls go to the next replicas. */
  readonly cut: () => void
  /** How many connections there have been. */
  readonly connections: () => number
  readonly stop: () => Promise<void>
}

/** One address for all replicas: each connection goes to the next, past those that refuse it. */
export async function startBalancer(): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let ports: readonly number[] = []
  let next = 0

  function lead(from: Socket, candidates: readonly number[]): void {
    const [port, ...others] = candidates
    if (port === undefined) return void from.destroy()
    const to = connect({ host: '127.0.0.1', port })
    const refused = (): void => lead(from, others)
    to.once('error', refused)
    to.once('connect', () => {
      to.off('error', refused)
      join(from, to)
    })
  }

  function join(from: Socket, to: Socket): void {
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroySoon()
      })
      one.pipe(other)
    }
  }

  const server = createServer({ pauseOnConnect: true }, (from) => {
    from.on('error', () => from.destroy())
    next += 1
    const first = next % Math.max(ports.length, 1)
    lead(from, [...ports.slice(first), ...ports.slice(0, first)])
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `https://${webhookHost}:${port}`,
    add: (one) => void (ports = [...ports, one]),
    remove: (one) => void (ports = ports.filter((other) => other !== one)),
    cut,
    connections: () => next,
    stop: async () => {
      const closed = once(server.close(), 'close')
      cut()
      await closed
    },
  }
}
