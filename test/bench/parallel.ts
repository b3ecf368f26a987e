import { freePort } from '../support/controlplane/daemon.ts'
import type { Benchmark } from './benchmark.ts'
import { create, createAll, createNamespace, startRealCluster, type Cluster } from './cluster.ts'
import { binding, poolOnly, referencesOf, type Manifest } from './manifests.ts'
import { runOperator } from './operator.ts'
import type { Report } from './report.ts'
import { routeByNamespace, routeTo } from './routing.ts'
import { quantile, type Samples } from './statistics.ts'
import { followStatuses } from './statuses.ts'
import { inFlight, range, timed } from './waiting.ts'

const inFlightAtOnce = 128

/**
 * What is created in turns: bindings that the operator reviews over HTTP/1.1, as in clusters; those that two webhooks review
 * which allow without looking; and those that an operator reviews over HTTP/2, on another API server, which calls it at a loopback
 * address. The loop works for all of them alike.
 */
const paths = ['kleym', 'echo', 'h2'] as const
type Path = (typeof paths)[number]

const kinds = {
  PerObjective: binding,
  PoolOnly: (...at: Parameters<typeof binding>) => poolOnly(binding(...at)),
}
type Kind = keyof typeof kinds

type Run = { readonly rate: number; readonly millis: Samples }

/** Many creates at once through a real API server. */
export const parallel: Benchmark = async (report, { quick }) => {
  const [rounds, size] = quick ? [1, 100] : [3, 500]
  await using stack = new AsyncDisposableStack()
  const named = stack.use(await startRealCluster())
  stack.use(await runOperator(named, { webhook: true }))
  stack.use(await routeByNamespace(named))
  const loopback = stack.use(await startRealCluster())
  stack.use(await runOperator(loopback, { webhook: true, args: await registeredAtLoopback() }))
  for (const kind of ['PerObjective', 'PoolOnly'] as const) {
    const runs: Record<Path, Run[]> = { kleym: [], echo: [], h2: [] }
    for (const round of range(rounds + 1))
      for (const path of paths) {
        const cluster = path === 'h2' ? loopback : named
        const run = await createMany(cluster, path, `${path}-${kind.toLowerCase()}-${round}`, kind, size)
        // The first round warms up.
        if (round > 0) runs[path].push(run)
      }
    tell(report, kind, runs)
  }
}

/** The flags of an operator that API servers call over HTTP/2. */
async function registeredAtLoopback(): Promise<readonly string[]> {
  const address = `127.0.0.1:${await freePort()}`
  return [`--webhook-bind-address=${address}`, `--webhook-url=https://${address}`]
}

async function createMany(
  cluster: Cluster,
  path: Path,
  namespace: string,
  kind: Kind,
  size: number,
): Promise<Run> {
  await createNamespace(cluster, namespace, routeTo(path === 'echo' ? 'echo' : 'kleym'))
  await createAll(cluster, referencesOf(namespace, size))
  await using statuses = await followStatuses(cluster, namespace)
  const manifests: readonly Manifest[] = range(size).map((index) => kinds[kind](namespace, index))
  const millis: number[] = []
  const whole = await timed(() =>
    inFlight(inFlightAtOnce, manifests, async (manifest) => {
      millis.push(await timed(() => create(cluster, manifest)))
    }),
  )
  // What the loop has left to do is not to be done during the next run.
  await statuses.reached('Reconciled', size)
  return { rate: (1000 * size) / whole, millis }
}

function tell(report: Report, kind: Kind, runs: Readonly<Record<Path, readonly Run[]>>): void {
  const rates = (path: Path): Samples => runs[path].map(({ rate }) => rate)
  const late = (path: Path): Samples => runs[path].map(({ millis }) => quantile(millis, 0.99))
  const what = `creates of ${kind} bindings, ${inFlightAtOnce} in flight`
  report.figure({
    name: what,
    unit: '/s',
    samples: rates('kleym'),
    floor: { name: 'with two webhooks that echo', samples: rates('echo') },
    wanted: { of: 'ratio', atLeast: 0.85 },
  })
  report.figure({
    name: `${what}, 99th percentile`,
    unit: 'ms',
    samples: late('kleym'),
    floor: { name: 'with two webhooks that echo', samples: late('echo') },
    wanted: { of: 'ratio', atMost: 1.3 },
  })
  report.figure({
    name: `${what}, the operator called over HTTP/1.1`,
    unit: '/s',
    samples: rates('kleym'),
    floor: { name: 'over HTTP/2', samples: rates('h2') },
    wanted: { of: 'ratio', atLeast: 0.85 },
  })
}
