import { setTimeout } from 'node:timers/promises'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { listPages } from '../../src/kube/listing.ts'
import { resourcePath } from '../../src/kube/path.ts'
import { writesByKind, writesTo } from './apiserver.ts'
import type { Benchmark } from './benchmark.ts'
import { populate, startRealCluster, type Cluster } from './cluster.ts'
import { objective, pool, resourceOf } from './manifests.ts'
import { runOperator, type Operator } from './operator.ts'
import { cpuSecondsOf } from './processes.ts'
import { condition } from './waiting.ts'

const namespace = 'models'
const restSeconds = 20

/** A new operator starts over bindings that are Ready: when it has looked at all, what it writes, and what it needs at rest. */
export const restart: Benchmark = async (report, { quick }) => {
  const size = quick ? 200 : 5000
  await using cluster = await startRealCluster()
  await populate(cluster, size, () => namespace)
  await settle(cluster, size)
  const before = await writesTo(cluster)
  const [taken, floor]: [number[], number[]] = [[], []]
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    floor.push(await listAll(cluster))
    const started = performance.now()
    await using operator = await runOperator(cluster, { webhook: false })
    await converged(operator, size)
    taken.push(performance.now() - started)
  }
  report.figure({
    name: `restart with ${size} Ready bindings, to converged`,
    unit: 'ms',
    samples: taken,
    floor: { name: 'reading the same lists', samples: floor },
    wanted: { of: 'ratio', atMost: 2 },
  })
  report.figure({
    name: 'writes of these restarts',
    unit: '',
    samples: [(await writesTo(cluster)) - before],
    wanted: { of: 'value', atMost: 0 },
  })
  await using operator = await runOperator(cluster, { webhook: true })
  await converged(operator, size)
  const [cpu, writes] = [await cpuSecondsOf(operator.pid), await writesByKind(cluster)]
  await setTimeout(restSeconds * 1000)
  report.figure({
    name: `CPU at rest with ${size} bindings, of one core over ${restSeconds} s`,
    unit: '%',
    samples: [((await cpuSecondsOf(operator.pid)) - cpu) * (100 / restSeconds)],
    wanted: { of: 'value', atMost: 1 },
  })
  for (const [what, count] of await writesByKind(cluster))
    if (count !== writes.get(what)) report.note(`written while at rest: ${what}`)
}

/** Runs an operator until all bindings are Ready. */
async function settle(cluster: Cluster, size: number): Promise<void> {
  await using operator = await runOperator(cluster, { webhook: false })
  const isReady = async () => (await operator.metric('kleym_identity_bindings', /Reconciled/)) === size
  await condition(isReady, { what: 'that all are Ready', everyMs: 500, withinMs: 600_000 })
  await converged(operator, size)
}

/** Waits until the operator has looked at every binding and has nothing left to do. */
async function converged(operator: Operator, size: number): Promise<void> {
  const holds = async (): Promise<boolean> =>
    (await operator.metric('kleym_reconcile_duration_seconds_count')) >= size &&
    (await operator.metric('kleym_queue_depth')) === 0
  await condition(holds, { what: 'that the operator has converged', everyMs: 100 })
}

/** What any operator has to read at its start, in the same pages. */
async function listAll({ client }: Cluster): Promise<number> {
  const kinds = [
    bindingResource,
    clusterSpiffeIdResource,
    resourceOf(pool(namespace, '')),
    resourceOf(objective(namespace, 0)),
  ]
  const started = performance.now()
  const { signal } = new AbortController()
  await Promise.all(
    kinds.map((kind) =>
      listPages({ client, path: resourcePath(kind), query: {}, pageSize: 500, signal, take: () => {} }),
    ),
  )
  return performance.now() - started
}
