import { bindingResource } from '../../src/core/resources.ts'
import { podObject, type PodManifest } from '../support/pods.ts'
import { core, operatorThatSeesPodsIn } from './accounts.ts'
import type { Benchmark } from './benchmark.ts'
import { create, createAll, createNamespace, startRealCluster, width, type Cluster } from './cluster.ts'
import { binding, objective, pool, poolName, poolOnly, type Manifest } from './manifests.ts'
import { runOperator } from './operator.ts'
import type { Report } from './report.ts'
import { median, quantile, type Samples } from './statistics.ts'
import { followStatuses, type Statuses } from './statuses.ts'
import { inFlight, range } from './waiting.ts'

/**
 * What is created in turns. The operator may list pods in one of two namespaces; after a refusal in the other it does not try
 * there for a minute. PerObjective bindings claim a key while the pods are listed; PoolOnly ones do nothing meanwhile. Those two are
 * of one pool, of which the operator remembers a pod; each of the third kind is the first of its pool, so that pods must be listed.
 */
const namespaces = ['looking', 'blind'] as const
const kinds = ['PerObjective', 'PoolOnly', 'first PoolOnly'] as const
type Latencies = Readonly<Record<`${(typeof kinds)[number]}/${(typeof namespaces)[number]}`, number[]>>

const podsOfPool = 50
const warmUps = 20

/** One in so many rounds creates a first binding, too. */
const firstsEvery = 5
/** All of them select the same pods, each by other labels: those of the bits in its number. */
const pools = range(255)
const labelsOf = (number: number): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ['app', 'chat'],
    ...range(8).flatMap((bit) => ((number >> bit) & 1 ? [[`mark-${bit}`, 'x'] as const] : [])),
  ])

/** What the look at the pods of a binding adds to its creation, among few and among many others. */
export const workloads: Benchmark = async (report, { quick }) => {
  const [crowd, blocks, size] = quick ? [500, 1, 20] : [10_000, 5, 100]
  await using cluster = await startRealCluster()
  for (const namespace of namespaces) {
    await createNamespace(cluster, namespace)
    await createAll(
      cluster,
      pools.map((number) => pool(namespace, poolName(number), labelsOf(number))),
    )
    await create(cluster, objective(namespace, 0))
    await createPods(cluster, namespace, 'chat', podsOfPool)
  }
  await using stack = new AsyncDisposableStack()
  const kubeconfig = await operatorThatSeesPodsIn(cluster, 'looking')
  stack.defer(kubeconfig.remove)
  stack.use(await runOperator({ kubeconfig: kubeconfig.path }, { webhook: true }))
  const statuses = new Map<string, Statuses>()
  for (const namespace of namespaces)
    statuses.set(namespace, stack.use(await followStatuses(cluster, namespace)))
  const unused = pools.slice(1).values()
  const measure = async (): Promise<readonly Latencies[]> => {
    await createInTurns(cluster, statuses, unused, warmUps)
    const measured: Latencies[] = []
    for (let block = 0; block < blocks; block++)
      measured.push(await createInTurns(cluster, statuses, unused, size))
    return measured
  }
  const few = await measure()
  await createPods(cluster, 'looking', 'other', crowd - podsOfPool)
  tell(report, few, await measure(), crowd)
}

/** Much like those that a Deployment makes. */
async function createPods(
  { objects }: Cluster,
  namespace: string,
  app: string,
  count: number,
): Promise<void> {
  const labels = {
    ...labelsOf(255),
    app,
    'app.kubernetes.io/part-of': 'chat',
    'pod-template-hash': '5d9c7b8f6d',
  }
  const pods = range(count).map((index): PodManifest =>
    podObject({
      name: `${app}-${index}`,
      namespace,
      labels,
      account: 'model-server',
      containers: ['main', 'proxy'],
    }),
  )
  await inFlight(width, pods, async (pod) => {
    const reply = await objects.create(core('Pod', 'pods'), pod)
    if (reply.kind !== 'done') throw new Error(`creating pod ${pod.metadata.name}: ${JSON.stringify(reply)}`)
  })
}

/**
 * Creates one binding of each sort after the other, in turns. Each is Ready, and gone again, before the next is created.
 *
 * @param unused the numbers of pools that no binding was of
 */
async function createInTurns(
  cluster: Cluster,
  statuses: ReadonlyMap<string, Statuses>,
  unused: Iterator<number>,
  size: number,
): Promise<Latencies> {
  const latencies: Latencies = {
    'PerObjective/looking': [],
    'PerObjective/blind': [],
    'PoolOnly/looking': [],
    'PoolOnly/blind': [],
    'first PoolOnly/looking': [],
    'first PoolOnly/blind': [],
  }
  for (let index = 0; index < size; index++)
    for (const kind of index % firstsEvery === 0 ? kinds : kinds.slice(0, 2)) {
      const number = kind === 'first PoolOnly' ? nextOf(unused) : 0
      for (const namespace of index % 2 === 0 ? namespaces : namespaces.toReversed()) {
        const ofPool = binding(namespace, 0, poolName(number))
        const manifest = kind === 'PerObjective' ? ofPool : poolOnly(ofPool)
        const started = performance.now()
        await create(cluster, manifest)
        latencies[`${kind}/${namespace}`].push(performance.now() - started)
        await statuses.get(namespace)?.reached('Reconciled', 1)
        await remove(cluster, manifest)
      }
    }
  return latencies
}

function nextOf(unused: Iterator<number>): number {
  const { done, value } = unused.next()
  if (done) throw new Error('there are too few pools for so many first bindings')
  return value
}

/** Its finalizer keeps it until its ClusterSPIFFEID is gone. */
async function remove({ client, objects }: Cluster, { metadata }: Manifest): Promise<void> {
  const { namespace, name } = metadata
  const path = `/apis/kleym.sonda.red/v1alpha1/namespaces/${namespace}/inferenceidentitybindings/${name}`
  await client.call({ method: 'DELETE', path })
  while ((await objects.get(bindingResource, { namespace, name })).kind !== 'absent');
}

function tell(report: Report, few: readonly Latencies[], many: readonly Latencies[], crowd: number): void {
  for (const kind of kinds) {
    const of = (measured: readonly Latencies[], namespace: (typeof namespaces)[number]): Samples =>
      measured.map((one) => median(one[`${kind}/${namespace}`]))
    for (const [measured, among] of [
      [few, podsOfPool],
      [many, crowd],
    ] as const)
      report.figure({
        name: `create of a ${kind} binding that looks at ${podsOfPool} of ${among} pods, median`,
        unit: 'ms',
        samples: of(measured, 'looking'),
        floor: { name: 'one that does not', samples: of(measured, 'blind') },
        wanted: { of: 'ratio', atMost: 1.3 },
      })
    const ratio = (measured: readonly Latencies[]): number =>
      median(of(measured, 'looking')) / median(of(measured, 'blind'))
    report.figure({
      name: `that ratio of a ${kind} binding among ${crowd} pods`,
      unit: '',
      samples: [ratio(many)],
      floor: { name: `among ${podsOfPool}`, samples: [ratio(few)] },
      wanted: { of: 'ratio', atMost: 1.1 },
    })
    for (const namespace of namespaces) {
      const late = (measured: readonly Latencies[]): string =>
        quantile(
          measured.flatMap((one) => one[`${kind}/${namespace}`]),
          0.99,
        ).toFixed(1)
      report.note(`${kind}, ${namespace}: p99 ${late(few)} ms, among ${crowd} pods ${late(many)} ms`)
    }
  }
}
