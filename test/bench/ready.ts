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
import { runOperator, type Operator } from './operator.ts'
import { processesIn, spentDuring } from './processes.ts'
import type { Report } from './report.ts'
import { followStatuses } from './statuses.ts'
import { inFlight } from './waiting.ts'

/**
 * Bindings to Ready a second through a real API server, beside the writes that no operator could do without: the
 * ClusterSPIFFEID and the status. Each on an API server of its own, so that none pays for what others have stored.
 */
export const ready: Benchmark = async (report, { quick, profile, beside }) => {
  const plan = quick
    ? [{ size: 100, rounds: 2 }]
    : [
        { size: 1000, rounds: 5 },
        { size: 5000, rounds: 1 },
      ]
  await using all = new AsyncDisposableStack()
  const backlog = all.use(await startRealCluster())
  const raw = all.use(await startRealCluster())
  const ours = await servedBy(all, { profile })
  const other = beside === undefined ? undefined : await servedBy(all, { program: beside })
  for (const { size, rounds } of plan) {
    const [applied, others, waiting, floor]: [Applied[], Applied[], number[], number[]] = [[], [], [], []]
    for (let round = 0; round < rounds; round++) {
      const namespace = `models-${size}-${round}`
      applied.push(await apply(ours, namespace, size))
      if (other) others.push(await apply(other, namespace, size))
      report.note(`CPU ms a binding: ${inWords(applied.at(-1)?.millis ?? new Map())}`)
      floor.push(await rawRate(raw, namespace, size))
      waiting.push(await backlogRate(backlog, namespace, size))
    }
    tell(report, size, ratesOf(applied), waiting, floor)
    report.figure({
      name: `the operator's CPU a binding, ${size} applied with the webhook on, to Ready`,
      unit: 'ms',
      samples: operatorsOf(applied),
      ...(other && { floor: { name: 'the other build', samples: operatorsOf(others) } }),
    })
  }
  for (const line of await ours.operator.end()) report.note(line)
}

/** A cluster with an operator, and the processes whose CPU counts. */
type Site = {
  readonly cluster: Cluster
  readonly operator: Operator
  readonly processes: ReadonlyMap<string, number>
}

async function servedBy(
  stack: AsyncDisposableStack,
  how: Pick<Parameters<typeof runOperator>[1], 'program' | 'profile'>,
): Promise<Site> {
  const cluster = stack.use(await startRealCluster())
  const operator = stack.use(await runOperator(cluster, { webhook: true, ...how }))
  const processes = new Map([
    ...(await processesIn(cluster.directory ?? '', ['etcd', 'kube-apiserver'])),
    ['operator', operator.pid] as const,
    ['bench', process.pid] as const,
  ])
  return { cluster, operator, processes }
}

/** Bindings to Ready a second, and what each process spent on one, in ms. */
type Applied = { readonly rate: number; readonly millis: ReadonlyMap<string, number> }

async function apply({ cluster, processes }: Site, namespace: string, size: number): Promise<Applied> {
  let rate = 0
  const spent = await spentDuring(
    processes,
    async () => void (rate = await appliedRate(cluster, namespace, size)),
  )
  return { rate, millis: new Map([...spent].map(([name, seconds]) => [name, (1000 * seconds) / size])) }
}

const ratesOf = (applied: readonly Applied[]): number[] => applied.map(({ rate }) => rate)

const operatorsOf = (applied: readonly Applied[]): number[] =>
  applied.map(({ millis }) => millis.get('operator') ?? Number.NaN)

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

const inWords = (millis: ReadonlyMap<string, number>): string =>
  [...millis].map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', ')

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
