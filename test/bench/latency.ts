import { leaseResource } from '../../src/core/resources.ts'
import { leaseOf } from '../../src/webhook/claim.ts'
import type { Benchmark } from './benchmark.ts'
import { create, createAll, createNamespace, startRealCluster, type Cluster } from './cluster.ts'
import { binding, poolOnly, referencesOf, type Manifest } from './manifests.ts'
import { runOperator } from './operator.ts'
import type { Report } from './report.ts'
import { routeByNamespace, routeTo } from './routing.ts'
import { median, quantile, type Samples } from './statistics.ts'
import { followStatuses } from './statuses.ts'
import { timed } from './waiting.ts'

/**
 * What is created in turns. The operator's webhooks are called for `kleym`, whose bindings are PoolOnly and need
 * no claim, and for `claim`, whose are PerObjective; two that allow without looking for `echo`; none for `none`. The loop works for all of them alike.
 */
const paths = ['kleym', 'claim', 'echo', 'none'] as const
type Path = (typeof paths)[number]
type Latencies = Record<Path | 'lease', number[]>

const warmUps = 20

/** The time that the webhooks add to a create through a real API server, beside the time that any two webhooks would add. */
export const latency: Benchmark = async (report, { quick }) => {
  const [blocks, size] = quick ? [2, 20] : [5, 100]
  await using cluster = await startRealCluster()
  await using stack = new AsyncDisposableStack()
  stack.use(await runOperator(cluster, { webhook: true }))
  stack.use(await routeByNamespace(cluster))
  for (const path of paths) {
    await createNamespace(cluster, path, routeTo(path === 'claim' ? 'kleym' : path))
    await createAll(cluster, referencesOf(path, warmUps + blocks * size))
  }
  const measured: Latencies[] = []
  await createInTurns(cluster, 0, warmUps)
  for (let block = 0; block < blocks; block++)
    measured.push(await createInTurns(cluster, warmUps + block * size, size))
  tell(report, measured)
}

function tell(report: Report, measured: readonly Latencies[]): void {
  const over = (path: Path, base: Path): Samples =>
    measured.map((one) => median(one[path]) - median(one[base]))
  const all = (path: Path | 'lease'): Samples => measured.flatMap((one) => one[path])
  const late = (path: Path | 'lease'): number => quantile(all(path), 0.99)
  report.figure({
    name: 'added to the create of a PoolOnly binding, median',
    unit: 'ms',
    samples: over('kleym', 'none'),
    floor: { name: 'two that only echo', samples: over('echo', 'none') },
    wanted: { of: 'ratio', atMost: 1.5 },
  })
  report.figure({
    name: 'added to that by the claim of a PerObjective one, median',
    unit: 'ms',
    samples: over('claim', 'kleym'),
    floor: { name: 'creating a Lease', samples: measured.map(({ lease }) => median(lease)) },
    wanted: { of: 'ratio', atMost: 1.5 },
  })
  report.figure({
    name: 'added to the create of a PoolOnly binding, 99th percentile',
    unit: 'ms',
    samples: [late('kleym') - late('none')],
    floor: { name: 'two that only echo', samples: [late('echo') - late('none')] },
  })
  for (const path of [...paths, 'lease'] as const)
    report.note(`${path}: p50 ${median(all(path)).toFixed(2)} ms, p99 ${late(path).toFixed(2)} ms`)
}

/** Creates one object of each sort after the other, in turns. Each binding is Ready before the next one is created. */
async function createInTurns(cluster: Cluster, from: number, size: number): Promise<Latencies> {
  const latencies: Latencies = { kleym: [], claim: [], echo: [], none: [], lease: [] }
  await using stack = new AsyncDisposableStack()
  const statuses = new Map<Path, Awaited<ReturnType<typeof followStatuses>>>()
  for (const path of paths) statuses.set(path, stack.use(await followStatuses(cluster, path)))
  for (let index = from; index < from + size; index++) {
    for (let turn = 0; turn < paths.length; turn++) {
      const path = paths[(turn + index) % paths.length] ?? 'none'
      latencies[path].push(await timed(() => create(cluster, bindingFor(path, index))))
      await statuses.get(path)?.reached('Reconciled', index + 1)
    }
    latencies.lease.push(await timed(() => createLease(cluster, index)))
  }
  return latencies
}

const bindingFor = (path: Path, index: number): Manifest =>
  path === 'claim' ? binding(path, index) : poolOnly(binding(path, index))

async function createLease({ objects }: Cluster, index: number): Promise<void> {
  const reply = await objects.create(
    leaseResource,
    leaseOf('none', String(index), { namespace: 'none', name: 'anyone', uid: '' }),
  )
  if (reply.kind !== 'done') throw new Error(`creating a Lease: ${JSON.stringify(reply)}`)
}
