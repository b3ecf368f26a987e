import { setTimeout } from 'node:timers/promises'
import { resourcePath } from '../../src/kube/path.ts'
import { writesTo } from './apiserver.ts'
import type { Benchmark } from './benchmark.ts'
import { create, createAll, createNamespace, startRealCluster, type Cluster } from './cluster.ts'
import { binding, objective, oldPool, pool, poolName, resourceOf } from './manifests.ts'
import { runOperator, type Operator } from './operator.ts'
import type { Report } from './report.ts'
import { followStatuses } from './statuses.ts'
import { condition, range } from './waiting.ts'

type Stage = {
  readonly cluster: Cluster
  readonly operator: Operator
  readonly namespace: string
  readonly size: number
}

/** Milliseconds a binding, and writes a binding. */
type Cost = { readonly ms: number; readonly writes: number }

/** One request puts many bindings on one key, or takes them off it: what that costs each of ever more. */
export const collision: Benchmark = async (report, { quick }) => {
  const [smallest = 0, ...larger] = quick ? [20, 40] : [125, 250, 500]
  const rounds = quick ? 1 : 3
  await using cluster = await startRealCluster()
  // Without the webhook, which would not have let them in.
  await using operator = await runOperator(cluster, { webhook: false })
  const costs = new Map<string, Cost[][]>()
  for (const [at, size] of [smallest, ...larger].entries()) {
    for (let round = 0; round < rounds; round++) {
      const stage = (what: string) => ({ cluster, operator, namespace: `${what}-${size}-${round}`, size })
      const measured = { ...(await onePool(stage('one'))), ...(await twoPools(stage('two'))) }
      for (const [what, cost] of Object.entries(measured)) {
        const bySize = costs.getOrInsertComputed(what, () => [])
        ;(bySize[at] ??= []).push(cost)
      }
    }
  }
  for (const [what, [floor = [], ...rest]] of costs)
    for (const [index, samples] of rest.entries())
      tell(report, what, { floor, samples, smallest, size: larger[index] ?? 0 })
}

function tell(
  report: Report,
  what: string,
  { floor, samples, smallest, size }: { floor: Cost[]; samples: Cost[]; smallest: number; size: number },
): void {
  report.figure({
    name: `${size} bindings on one key, ${what}, each`,
    unit: 'ms',
    samples: samples.map(({ ms }) => ms),
    floor: { name: `of ${smallest}`, samples: floor.map(({ ms }) => ms) },
    // Twice or four times as many that each cost as much more would be quadratic.
    wanted: { atMost: 1.5 },
  })
  report.note(`writes a binding: ${samples.map(({ writes }) => writes.toFixed(2)).join(', ')}`)
}

/** All of one pool, that comes late and then gets a selector that nobody can use. */
async function onePool(stage: Stage) {
  const { cluster, namespace, size } = stage
  await createNamespace(cluster, namespace)
  const indexes = range(size)
  await createAll(
    cluster,
    indexes.map((index) => objective(namespace, index, 'shared')),
  )
  await createAll(
    cluster,
    indexes.map((index) => binding(namespace, index, 'shared')),
  )
  await using statuses = await followStatuses(cluster, namespace)
  await statuses.reached('TargetPoolNotFound', size)
  const shared = pool(namespace, 'shared')
  let stored = shared
  const collided = await costOf(stage, async () => {
    stored = { ...shared, ...(await create(cluster, shared)) }
    return statuses.reached('IdentityCollision', size)
  })
  const released = await costOf(stage, async () => {
    const { spec } = pool(namespace, 'shared', { app: '' })
    await cluster.objects.replace(resourceOf(shared), { ...stored, spec })
    return statuses.reached('InvalidPoolSelector', size)
  })
  return { 'put there by their pool': collided, 'released by an edit of their pool': released }
}

/** Each with a pool of its own in either group: those that count are alike, those that are left then are not. */
async function twoPools(stage: Stage) {
  const { cluster, namespace, size } = stage
  await createNamespace(cluster, namespace)
  const indexes = range(size)
  await createAll(
    cluster,
    indexes.flatMap((index) => [
      objective(namespace, index),
      oldPool(namespace, poolName(index)),
      pool(namespace, poolName(index), { app: 'alike' }),
    ]),
  )
  await using statuses = await followStatuses(cluster, namespace)
  await createAll(
    cluster,
    indexes.map((index) => binding(namespace, index)),
  )
  await statuses.reached('IdentityCollision', size)
  const released = await costOf(stage, async () => {
    const path = resourcePath(resourceOf(pool(namespace, '')), { namespace })
    await cluster.client.call({ method: 'DELETE', path })
    return statuses.reached('Reconciled', size)
  })
  return { 'released to Ready by a deletion of all pools of a kind': released }
}

async function costOf({ cluster, operator, size }: Stage, work: () => Promise<number>): Promise<Cost> {
  await quiet(operator)
  const before = await writesTo(cluster)
  const started = performance.now()
  const ms = ((await work()) - started) / size
  await quiet(operator)
  return { ms, writes: ((await writesTo(cluster)) - before) / size }
}

/** Statuses may still be followed by others that name fewer peers. */
async function quiet(operator: Operator): Promise<void> {
  let runs = -1
  const holds = async (): Promise<boolean> => {
    const before = runs
    runs = await operator.metric('kleym_reconcile_duration_seconds_count')
    return runs === before && (await operator.metric('kleym_queue_depth')) === 0
  }
  await setTimeout(100)
  await condition(holds, { what: 'that the operator is quiet', everyMs: 300 })
}
