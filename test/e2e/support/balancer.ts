import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { webhookHost } from '../../support/webhook-host.ts'

export type Balancer = {
  readonly url: string
  /** From now on connections may go to this replica. */
  readonly add: (port: number) => void
  /** From now on no new connection goes to this replica; open ones stay. */
  readonly remove: (port: number) => void
  /** Ends all connections, so that the next calls go to the next replicas. Resolves once the clients have closed them, too. */
  readonly cut: () => Promise<void>
  /** How many connections there have been. */
  readonly connections: () => number
  readonly stop: () => Promise<void>
}

/** One address for all replicas: each connection goes to the next, past those that refuse it. */
export async function startBalancer(): Promise<Balancer> {
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
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
    upstreams.add(to)
    to.on('close', () => upstreams.delete(to))
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroySoon())
      one.pipe(other)
    }
  }

  const server = createServer({ pauseOnConnect: true }, (from) => {
    clients.add(from)
    from.on('error', () => from.destroy())
    from.on('close', () => clients.delete(from))
    next += 1
    const first = next % Math.max(ports.length, 1)
    lead(from, [...ports.slice(first), ...ports.slice(0, first)])
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `https://${webhookHost}:${port}`,
    add: (one) => void (ports = [...ports, one]),
    remove: (one) => void (ports = ports.filter((other) => other !== one)),
    cut: async () => void (await Promise.all([...clients].map(end))),
    connections: () => next,
    stop: async () => {
      const closed = once(server.close(), 'close')
      for (const socket of [...clients, ...upstreams]) socket.destroy()
      await closed
    },
  }
}

/** Go's client fails a call that it writes to a connection which is gone, but leaves in time one that is ended. */
async function end(client: Socket): Promise<void> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.end()
  await closed
}
