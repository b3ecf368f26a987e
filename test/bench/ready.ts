import { decodeBinding } from '../../src/core/binding.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import type { Benchmark } from './benchmark.ts'
import {
  create,
  createAll,
  createNamespace,
  populate,
  startRealCluster,
  width,
  type Cluster,
} from './cluster.ts'
import { addManifest, emptyInventory, settled } from './inventory.ts'
import { bindingsOf, referencesOf } from './manifests.ts'
import { runOperator } from './operator.ts'
import { processesIn, spentDuring } from './processes.ts'
import type { Report } from './report.ts'
import { followStatuses } from './statuses.ts'
import { inFlight } from './waiting.ts'

/**
 * Bindings to Ready a second through a real API server, beside the writes that no operator could do without: the
 * ClusterSPIFFEID and the status. Each on an API server of its own, so that none pays for what others have stored.
 */
export const ready: Benchmark = async (report, { quick, profile }) => {
  const plan = quick
    ? [{ size: 100, rounds: 2 }]
    : [
        { size: 1000, rounds: 5 },
        { size: 5000, rounds: 1 },
      ]
  await using live = await startRealCluster()
  await using backlog = await startRealCluster()
  await using raw = await startRealCluster()
  await using operator = await runOperator(live, { webhook: true, profile })
  const processes = new Map([
    ...(await processesIn(live.directory ?? '', ['etcd', 'kube-apiserver'])),
    ['operator', operator.pid] as const,
    ['bench', process.pid] as const,
  ])
  for (const { size, rounds } of plan) {
    const [applied, waiting, floor]: [number[], number[], number[]] = [[], [], []]
    for (let round = 0; round < rounds; round++) {
      const namespace = `models-${size}-${round}`
      let rate = 0
      const spent = await spentDuring(
        processes,
        async () => void (rate = await appliedRate(live, namespace, size)),
      )
      applied.push(rate)
      report.note(`CPU ms a binding: ${inMillis(spent, size)}`)
      floor.push(await rawRate(raw, namespace, size))
      waiting.push(await backlogRate(backlog, namespace, size))
    }
    tell(report, size, applied, waiting, floor)
  }
  for (const line of await operator.end()) report.note(line)
}

function tell(report: Report, size: number, applied: number[], waiting: number[], samples: number[]): void {
  const floor = { name: 'raw writes', samples }
  const common = { unit: '/s', floor }
  report.figure({
    ...common,
    name: `${size} bindings applied with the webhook on, to Ready`,
    samples: applied,
    wanted: { of: 'ratio', atLeast: 0.5 },
  })
  report.figure({
    ...common,
    name: `${size} bindings that were there before the operator, to Ready`,
    samples: waiting,
    wanted: { of: 'ratio', atLeast: 0.6 },
  })
}

const inMillis = (spent: ReadonlyMap<string, number>, size: number): string =>
  [...spent].map(([name, seconds]) => `${name} ${((1000 * seconds) / size).toFixed(2)}`).join(', ')

/** From the first create to the last Ready. */
async function appliedRate(cluster: Cluster, namespace: string, size: number): Promise<number> {
  await createNamespace(cluster, namespace)
  await createAll(cluster, referencesOf(namespace, size))
  await using statuses = await followStatuses(cluster, namespace)
  const started = performance.now()
  await createAll(cluster, bindingsOf(namespace, size))
  return (1000 * size) / ((await statuses.reached('Reconciled', size)) - started)
}

/** From the first Ready to the last: neither the start nor the lists count. */
async function backlogRate(cluster: Cluster, namespace: string, size: number): Promise<number> {
  await populate(cluster, size, () => namespace)
  await using statuses = await followStatuses(cluster, namespace)
  const first = statuses.reached('Reconciled', 1)
  await using stack = new AsyncDisposableStack()
  stack.use(await runOperator(cluster, { webhook: false }))
  return (1000 * (size - 1)) / ((await statuses.reached('Reconciled', size)) - (await first))
}

/** The same ClusterSPIFFEIDs and statuses, written by a client that has nothing to find out. */
async function rawRate(cluster: Cluster, namespace: string, size: number): Promise<number> {
  const inventory = emptyInventory()
  for (const manifest of referencesOf(namespace, size)) addManifest(inventory, manifest)
  await createNamespace(cluster, namespace)
  const writes: (() => Promise<void>)[] = []
  await inFlight(width, bindingsOf(namespace, size), async (manifest) => {
    const stored = await create(cluster, manifest)
    const { output, status } = settled(inventory, decodeBinding(stored))
    writes.push(async () => {
      const created = await cluster.objects.create(clusterSpiffeIdResource, output)
      const written = await cluster.objects.replaceStatus(bindingResource, { ...stored, status })
      if (created.kind !== 'done' || written.kind !== 'done')
        throw new Error(`a raw write failed: ${JSON.stringify([created, written])}`)
    })
  })
  const started = performance.now()
  await inFlight(width, writes, (write) => write())
  return (1000 * size) / (performance.now() - started)
}
