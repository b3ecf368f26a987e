import { setTimeout as wait } from 'node:timers/promises'
import { field, objectOr, type JsonObject } from '../../src/core/json.ts'
import { bindingResource, clusterSpiffeIdResource, crdName } from '../../src/core/resources.ts'
import { failureWords } from '../../src/kube/client.ts'
import { resourcePath } from '../../src/kube/path.ts'
import type { Benchmark } from './benchmark.ts'
import { beside } from './beside.ts'
import { startRealCluster, type Cluster } from './cluster.ts'
import { allReady, fillCrowd, quiet, shared } from './crowd.ts'
import { binding, resourceOf } from './manifests.ts'
import { runOperator, type Operator } from './operator.ts'
import { quantile, type Samples } from './statistics.ts'
import { condition, timed } from './waiting.ts'

const late = (samples: Samples): number => quantile(samples, 0.99)

/** How long an apply of another binding takes while the operator has much to do, beside the time that it takes otherwise. */
export const disturbed: Benchmark = async (report, { quick }) => {
  const [size, seconds] = quick ? [100, 2] : [3_000, 20]
  await using cluster = await startRealCluster()
  await fillCrowd(cluster, size)
  await using operator = await runOperator(cluster, { webhook: true })
  await allReady(operator, size)
  const apply = (): Promise<void> => applyDry(cluster)
  await beside(apply, () => wait(1000))

  const alone = await beside(apply, () => wait(seconds * 1000))
  const described = await beside(apply, () => describeAgain(cluster, seconds))
  const unhindered = await timed(() => rewriteAll(cluster, operator, size, 'prefill'))
  let hindered = 0
  const rewritten = await beside(
    apply,
    async () => void (hindered = await timed(() => rewriteAll(cluster, operator, size, 'decode'))),
  )

  const floor = { name: 'at rest', samples: [late(alone)] }
  report.figure({
    name: `an apply among ${size} bindings while the CRD of ClusterSPIFFEIDs gets another description, 99th percentile`,
    unit: 'ms',
    samples: [late(described)],
    floor,
    wanted: { of: 'ratio', atMost: 2 },
  })
  report.figure({
    name: `an apply while the loop writes ${size} ClusterSPIFFEIDs and statuses anew, 99th percentile`,
    unit: 'ms',
    samples: [late(rewritten)],
    floor,
    wanted: { of: 'ratio', atMost: 3 },
  })
  report.figure({
    name: 'bindings that the loop writes anew meanwhile',
    unit: '/s',
    samples: [(1000 * size) / hindered],
    floor: { name: 'while nobody applies', samples: [(1000 * size) / unhindered] },
    wanted: { of: 'ratio', atLeast: 0.8 },
  })
  for (const [when, samples] of Object.entries({ alone, described, rewritten }))
    report.note(
      `${when}: ${samples.length}, p50 ${quantile(samples, 0.5).toFixed(1)} ms, p99 ${late(samples).toFixed(1)} ms`,
    )
}

/** A dry run: the same reviews, and the next one is of the same binding. */
async function applyDry({ client }: Cluster): Promise<void> {
  const answer = await client.call({
    method: 'POST',
    path: resourcePath(bindingResource, { namespace: quiet }),
    query: { dryRun: 'All' },
    body: binding(quiet, 0),
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
