import { bindingResource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/path.ts'
import type { Benchmark } from '../benchmark.ts'
import { create, createNamespace, startRealCluster, type Cluster } from '../cluster.ts'
import { pool, poolName } from '../manifests.ts'
import { runOperator } from '../operator.ts'
import { routeByNamespace, routeTo, type Route } from '../routing.ts'
import { median, quantile, type Samples } from '../statistics.ts'
import { range, timed } from '../waiting.ts'

const routes = ['kleym', 'echo', 'none'] as const satisfies readonly Route[]
type Latencies = Readonly<Record<Route | 'list', number[]>>

const warmUps = 30

/**
 * The time that the webhook adds to the create of a pool in a namespace without bindings. It has to be called, and to list
 * the bindings of that namespace, so these two are its floor.
 */
export const addedToPools: Benchmark = async (report, { quick }) => {
  const [blocks, size] = quick ? [2, 20] : [7, 150]
  await using cluster = await startRealCluster()
  await using stack = new AsyncDisposableStack()
  stack.use(await runOperator(cluster, { webhook: true }))
  stack.use(await routeByNamespace(cluster))
  for (const route of routes) await createNamespace(cluster, route, routeTo(route))
  await createInTurns(cluster, range(warmUps))
  const measured: Latencies[] = []
  for (let block = 0; block < blocks; block++)
    measured.push(await createInTurns(cluster, range(size, warmUps + block * size)))
  const over = (one: Latencies, route: Route): number => median(one[route]) - median(one.none)
  report.figure({
    name: 'added to the create of a pool, without bindings in its namespace, median',
    unit: 'ms',
    samples: measured.map((one) => over(one, 'kleym')),
    floor: {
      name: 'one that only echoes and the list of a namespace',
      samples: measured.map((one) => over(one, 'echo') + median(one.list)),
    },
    wanted: { of: 'ratio', atMost: 1.1 },
  })
  for (const what of [...routes, 'list'] as const) {
    const all: Samples = measured.flatMap((one) => one[what])
    report.note(`${what}: p50 ${median(all).toFixed(2)} ms, p99 ${quantile(all, 0.99).toFixed(2)} ms`)
  }
}

/** Creates one object of each sort after the other, in turns, and lists another empty namespace. */
async function createInTurns(cluster: Cluster, indexes: readonly number[]): Promise<Latencies> {
  const latencies: Latencies = { kleym: [], echo: [], none: [], list: [] }
  const path = resourcePath(bindingResource, { namespace: 'none' })
  const query = { limit: '500' }
  for (const index of indexes) {
    for (let turn = 0; turn < routes.length; turn++) {
      const route = routes[(turn + index) % routes.length] ?? 'none'
      latencies[route].push(await timed(() => create(cluster, pool(route, poolName(index)))))
    }
    latencies.list.push(await timed(() => cluster.client.call({ method: 'GET', path, query })))
  }
  return latencies
}
