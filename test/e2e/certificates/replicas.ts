import type { Lives } from '../../../certs/certificates.ts'
import { operatorConfig } from '../../../src/config.ts'
import { configurableReasons } from '../../../src/core/findings.ts'
import { Inventory } from '../../../src/core/inventory.ts'
import { createClient } from '../../../src/kube/client.ts'
import { systemTurns } from '../../../src/kube/clock.ts'
import { loadKubeConfig } from '../../../src/kube/config.ts'
import { createObjects } from '../../../src/kube/objects.ts'
import { createLog } from '../../../src/log.ts'
import { createMetrics, type Metrics } from '../../../src/metrics/metrics.ts'
import { createAdmission } from '../../../src/operator/admission.ts'
import { createFeed } from '../../../src/operator/feed.ts'
import { createReviewsFirst } from '../../../src/operator/reviews-first.ts'
import { Reservations } from '../../../src/webhook/reservations.ts'
import { freePort } from '../../support/controlplane/daemon.ts'

export type Replica = {
  /** The port of its webhook, on 127.0.0.1. */
  readonly port: number
  readonly metrics: Metrics
  /** Why the replica is not ready; empty if it is. */
  readonly problems: () => readonly string[]
  readonly stop: () => Promise<void>
}

type ReplicaOptions = {
  readonly kubeconfig: string
  /** The URL by which all replicas are reached. */
  readonly url: string
  readonly lives: Lives
  readonly write: (line: string) => void
}

/** The webhook of one replica, in this process, because no flag of the program gives certificates lives of seconds. */
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
  const metrics = createMetrics(systemTurns)
  const shownTokens = new Set<string>()
  const onTokenShown = (token: string): void => void shownTokens.add(token)
  const client = createClient(loadKubeConfig({ kubeconfig }), { onTokenShown })
  const inventory = new Inventory({ trustDomain: config.trustDomain, className: config.className })
  const reservations = new Reservations({
    objects: createObjects(client),
    namespace: config.namespace,
    now: () => performance.now(),
    holders: (collisionKey) => inventory.holders(collisionKey),
  })
  const bindingReleased = (uid: string): void => reservations.holderDeleted(uid)
  const feed = createFeed({
    client,
    inventory,
    log,
    mark: () => {},
    markLater: () => {},
    schemaChanged: () => {},
    bindingReleased,
  })
  const admission = createAdmission({
    presents: () => {},
    config,
    client,
    inventory,
    reservations,
    feed,
    reviewsFirst: createReviewsFirst(),
    metrics,
    shownTokens,
    log,
    isLeading: () => false,
    notices: () => [],
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
        .filter(({ problem, informs }) => !informs && problem !== undefined)
        .map(({ name, problem }) => `${name}: ${problem}`),
    stop: async () => {
      await admission.stop()
      await feed.stop()
      await client.close()
    },
  }
}
