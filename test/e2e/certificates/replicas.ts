import { createServer, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Lives } from '../../../certs/certificates.ts'
import { operatorConfig } from '../../../src/config.ts'
import { configurableReasons } from '../../../src/core/findings.ts'
import { Inventory } from '../../../src/core/inventory.ts'
import { createClient } from '../../../src/kube/client.ts'
import { loadKubeConfig } from '../../../src/kube/config.ts'
import { createObjects } from '../../../src/kube/objects.ts'
import { createLog } from '../../../src/log.ts'
import { createAdmission } from '../../../src/operator/admission.ts'
import { createFeed } from '../../../src/operator/feed.ts'
import { createMetrics, type Metrics } from '../../../src/serving/metrics.ts'
import { Reservations } from '../../../src/webhook/reservations.ts'
import { freePort } from '../../support/controlplane/daemon.ts'

export type Replica = {
  /** Of its webhook, on 127.0.0.1. */
  readonly port: number
  readonly metrics: Metrics
  /** What keeps it from being ready. */
  readonly problems: () => readonly string[]
  readonly stop: () => Promise<void>
}

type ReplicaOptions = {
  readonly kubeconfig: string
  /** What all replicas are reached by. */
  readonly url: string
  readonly lives: Lives
  readonly write: (line: string) => void
}

/** The webhook of one replica, in this process: lives of seconds are no flag of the program. */
export async function startReplica({ kubeconfig, url, lives, write }: ReplicaOptions): Promise<Replica> {
  const port = await freePort()
  const flags = ['--trust-domain=example.org', '--namespace=kleym-system', `--webhook-url=${url}`]
  const parsed = operatorConfig(
    [...flags, `--webhook-bind-address=127.0.0.1:${port}`],
    {},
    { configurableReasons },
  )
  if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed))
  const { config } = parsed
  const log = createLog({ level: 'info', destination: { write } })
  const metrics = createMetrics()
  const client = createClient(loadKubeConfig({ kubeconfig }))
  const inventory = new Inventory({ trustDomain: config.trustDomain, className: config.className })
  const reservations = new Reservations({
    objects: createObjects(client),
    namespace: config.namespace,
    now: () => performance.now(),
  })
  const bindingReleased = (uid: string): void => reservations.holderDeleted(uid)
  const feed = createFeed({ client, inventory, log, mark: () => {}, bindingReleased })
  const admission = createAdmission({
    config,
    client,
    inventory,
    reservations,
    feed,
    metrics,
    log,
    isLeading: () => false,
    lives,
  })
  feed.start()
  await feed.synced
  admission.start()
  return {
    port,
    metrics,
    problems: () =>
      admission
        .checks()
        .filter(({ name, problem }) => name !== 'probe' && problem !== undefined)
        .map(({ name, problem }) => `${name}: ${problem}`),
    stop: async () => {
      await admission.stop()
      await feed.stop()
      await client.close()
    },
  }
}

export type RoundRobin = {
  readonly url: string
  /** The ports it leads to. */
  readonly backends: number[]
  readonly stop: () => Promise<void>
}

/** One address for all replicas, as their Service is: each new connection goes to the next of them. */
export async function startRoundRobin(): Promise<RoundRobin> {
  const ports: number[] = []
  const sockets = new Set<Socket>()
  let next = 0
  const server = createServer((from) => {
    next += 1
    const to = connect({ host: '127.0.0.1', port: ports[next % ports.length] ?? 0 })
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => sockets.delete(one))
      one.pipe(other)
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `https://127.0.0.1:${port}`,
    backends: ports,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
