import { setTimeout } from 'node:timers/promises'
import { resourcePath } from '../../src/kube/path.ts'
import { writesTo } from './apiserver.ts'
import type { Benchmark } from './benchmark.ts'
import { create, createAll, createNamespace, startRealCluster, type Cluster } from './cluster.ts'
import { binding, objective, oldPool, pool, poolName, resourceOf } from './manifests.ts'
import { runOperator, type Operator } from './operator.ts'
import type { Report } from './report.ts'
import { median } from './statistics.ts'
import { followStatuses } from './statuses.ts'
import { condition, range } from './waiting.ts'

type Stage = {
  readonly cluster: Cluster
  readonly operator: Operator
  readonly namespace: string
  readonly size: number
}

/** Milliseconds for each binding, and writes for each binding. */
type Cost = { readonly ms: number; readonly writes: number }
type Costs = Readonly<Record<string, Cost>>

/** One request puts many bindings on one key, or takes them off it. Measured is the cost for each, among ever more bindings. */
export const collision: Benchmark = async (report, { quick }) => {
  const rounds = quick ? 1 : 3
  await using cluster = await startRealCluster()
  // The webhook is off, since it would refuse these bindings.
  await using operator = await runOperator(cluster, { webhook: false })
  const run: Run = async (sizes, measure) => {
    const costs = sizes.map((): Costs[] => [])
    for (let round = 0; round < rounds; round++)
      for (const [at, size] of sizes.entries())
        costs[at]?.push(
          await measure({
            cluster,
            operator,
            namespace: `on-${measure.name.toLowerCase()}-${size}-${round}`,
            size,
          }),
        )
    tell(report, sizes, costs)
  }
  await run(quick ? [20, 40] : [125, 250, 500], onePool)
  await run(quick ? [10, 20] : [25, 50, 100], ownPools)
}

type Run = (sizes: readonly number[], measure: (stage: Stage) => Promise<Costs>) => Promise<void>

function tell(
  report: Report,
  sizes: readonly number[],
  [floor = [], ...larger]: readonly (readonly Costs[])[],
): void {
  for (const what of Object.keys(floor[0] ?? {})) {
    const of = (costs: readonly Costs[], key: keyof Cost) =>
      costs.map((cost) => cost[what]?.[key] ?? Number.NaN)
    for (const [index, costs] of larger.entries()) {
      report.figure({
        name: `${sizes[index + 1]} bindings on one key, ${what}, each`,
        unit: 'ms',
        samples: of(costs, 'ms'),
        floor: { name: `of ${sizes[0]}`, samples: of(floor, 'ms') },
        // If twice as many bindings cost twice as much each, all of them together cost four times as much.
        wanted: { of: 'ratio', atMost: 1.5 },
      })
      report.note(
        `writes a binding: ${median(of(costs, 'writes')).toFixed(2)}, of ${sizes[0]}: ${median(of(floor, 'writes')).toFixed(2)}`,
      )
    }
  }
}

/** All bindings name one pool. The pool is created after them, and then gets a selector that nobody can use. */
async function onePool(stage: Stage): Promise<Costs> {
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

/**
 * Each binding has a pool of its own in both groups. Pools of the group that is tried first have equal selectors, the others
 * do not. The first are deleted one by one, if quickly, and each deletion changes the peers that all other bindings name.
 */
async function ownPools(stage: Stage): Promise<Costs> {
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
  return { 'released to Ready by deleting all pools of a kind': released }
}

async function costOf({ cluster, operator, size }: Stage, work: () => Promise<number>): Promise<Cost> {
  await quiet(operator)
  const before = await writesTo(cluster)
  const started = performance.now()
  const ms = ((await work()) - started) / size
  await quiet(operator)
  return { ms, writes: ((await writesTo(cluster)) - before) / size }
}

/** Waits until the operator rests: a status may still be followed by another one that names fewer peers. */
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
