import { setTimeout as wait } from 'node:timers/promises'
import { field, objectOr, type JsonObject } from '../../src/core/json.ts'
import { bindingResource, clusterSpiffeIdResource, crdName } from '../../src/core/resources.ts'
import { failureWords } from '../../src/kube/client.ts'
import { resourcePath } from '../../src/kube/path.ts'
import type { Benchmark } from './benchmark.ts'
import { beside } from './beside.ts'
import { createAll, createNamespace, startRealCluster, type Cluster } from './cluster.ts'
import { allReady, fillCrowd, quiet, shared } from './crowd.ts'
import { binding, referencesOf, resourceOf } from './manifests.ts'
import { runOperator, type Operator } from './operator.ts'
import { processesIn, spentDuring } from './processes.ts'
import type { Report } from './report.ts'
import { routeByNamespace, routeTo } from './routing.ts'
import { quantile, type Samples } from './statistics.ts'
import { condition, timed } from './waiting.ts'

/** Where applies are reviewed by the operator, and where by a server that allows everything. */
const routes = ['kleym', 'echo'] as const
type Applies = Readonly<Record<(typeof routes)[number], Samples>>

const namespaces: Readonly<Record<keyof Applies, string>> = { kleym: quiet, echo: 'echoed' }

/**
 * How long an apply of another binding takes while the operator has much to do, beside the time that it takes otherwise, and
 * beside the time of an apply that the operator does not review: that is what the API server alone adds while it is disturbed.
 */
export const disturbed: Benchmark = async (report, { quick, profile }) => {
  const [size, seconds] = quick ? [100, 2] : [3_000, 20]
  await using cluster = await startRealCluster()
  await fillCrowd(cluster, size)
  await createNamespace(cluster, namespaces.echo, routeTo('echo'))
  await createAll(cluster, referencesOf(namespaces.echo, 1))
  await using operator = await runOperator(cluster, { webhook: true, profile })
  await using _ = await routeByNamespace(cluster)
  await allReady(operator, size)
  const applies = (when: string, work: () => Promise<unknown>): Promise<Applies> =>
    during(work, { when, cluster, operator, report })
  const rewrite = (role: string): Promise<number> => timed(() => rewriteAll(cluster, operator, size, role))

  await applies('the first second', () => wait(1000))
  const rest = await applies('at rest', () => wait(seconds * 1000))
  const described = await applies('described', () => describeAgain(cluster, seconds))
  const unhindered = await rewrite('prefill')
  let hindered = 0
  const rewritten = await applies('rewritten', async () => void (hindered = await rewrite('decode')))

  const tell = (what: string, taken: Applies, atMost: number): void => {
    const name = `an apply among ${size} bindings while ${what}, 99th percentile`
    const samples = late(taken.kleym)
    const calm = { name: 'at rest', samples: late(rest.kleym) }
    report.figure({ name, unit: 'ms', samples, floor: calm, wanted: { of: 'ratio', atMost } })
    report.figure({ name, unit: 'ms', samples, floor: { name: 'echoed', samples: late(taken.echo) } })
    const echoes = { name: 'at rest', samples: late(rest.echo) }
    report.figure({ name: `${name}, echoed`, unit: 'ms', samples: late(taken.echo), floor: echoes })
  }
  tell('the CRD of ClusterSPIFFEIDs gets another description', described, 2)
  tell('the loop writes all ClusterSPIFFEIDs and statuses anew', rewritten, 3)
  report.figure({
    name: 'bindings that the loop writes anew meanwhile',
    unit: '/s',
    samples: [(1000 * size) / hindered],
    floor: { name: 'while nobody applies', samples: [(1000 * size) / unhindered] },
    wanted: { of: 'ratio', atLeast: 0.8 },
  })
  for (const line of await operator.end()) report.note(line)
}

type Disturbance = {
  readonly when: string
  readonly cluster: Cluster
  readonly operator: Operator
  readonly report: Report
}

/** How long applies take, of both routes in turns, for as long as some work lasts. */
async function during(
  work: () => Promise<unknown>,
  { when, cluster, operator, report }: Disturbance,
): Promise<Applies> {
  const taken: Record<keyof Applies, number[]> = { kleym: [], echo: [] }
  const applyBoth = async (): Promise<void> => {
    for (const route of routes) taken[route].push(await timed(() => applyDry(cluster, route)))
  }
  const servers = await processesIn(cluster.directory ?? '', ['kube-apiserver', 'etcd'])
  const processes = new Map([...servers, ['operator', operator.pid]])
  const spent = await spentDuring(processes, async () => void (await beside(applyBoth, work)))
  for (const route of routes) report.note(`${when}, ${route}: ${told(taken[route])}`)
  report.note(`${when}, CPU: ${[...spent].map(([name, s]) => `${name} ${s.toFixed(1)} s`).join(', ')}`)
  return taken
}

const late = (samples: Samples): Samples => [quantile(samples, 0.99)]

const told = (samples: Samples): string =>
  [
    `${samples.length}`,
    ...[0.5, 0.9, 0.99, 1].map((q) => `p${100 * q} ${quantile(samples, q).toFixed(1)} ms`),
  ].join(', ')

/** A dry run: the same reviews, and the next one is of the same binding. */
async function applyDry({ client }: Cluster, route: keyof Applies): Promise<void> {
  const namespace = namespaces[route]
  const answer = await client.call({
    method: 'POST',
    path: resourcePath(bindingResource, { namespace }),
    query: { dryRun: 'All' },
    body: binding(namespace, 0),
  })
  if (answer.kind !== 'ok') throw new Error(`a dry run of a create: ${failureWords(answer)}`)
}

/** Once a second, which is far more often than any cluster sees. */
async function describeAgain({ client }: Cluster, seconds: number): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crdName(clusterSpiffeIdResource)}`
  for (let second = 0; second < seconds; second++) {
    const read = await client.call({ method: 'GET', path })
    if (read.kind !== 'ok') throw new Error(`reading ${path}: ${failureWords(read)}`)
    const written = await client.call({
      method: 'PUT',
      path,
      body: withDescription(read.body, `second ${second}`),
    })
    if (written.kind !== 'ok') throw new Error(`writing ${path}: ${failureWords(written)}`)
    await wait(1000)
  }
}

/** A CustomResourceDefinition whose first version has another description. */
function withDescription(definition: unknown, description: string): JsonObject {
  const copy = structuredClone(objectOr(definition))
  const versions = field(objectOr(copy['spec']), 'versions')
  const [first]: readonly unknown[] = Array.isArray(versions) ? versions : []
  Object.assign(objectOr(field(objectOr(objectOr(first)['schema']), 'openAPIV3Schema')), { description })
  return copy
}

/** Has every identity given to other pods, and waits until all ClusterSPIFFEIDs and statuses say so. */
async function rewriteAll(cluster: Cluster, operator: Operator, size: number, role: string): Promise<void> {
  const before = await operator.metric('kleym_clusterspiffeid_writes_total')
  const answer = await cluster.client.call({
    method: 'PATCH',
    path: resourcePath(resourceOf(shared), shared.metadata),
    body: { spec: { selector: { matchLabels: { 'llm-d.ai/role': role } } } },
  })
  if (answer.kind !== 'ok') throw new Error(`changing the pool: ${failureWords(answer)}`)
  await condition(
    async () => (await operator.metric('kleym_clusterspiffeid_writes_total')) >= before + size,
    {
      what: 'that all ClusterSPIFFEIDs are written anew',
      everyMs: 100,
      withinMs: 600_000,
    },
  )
  await allReady(operator, size)
}
