import { isObject, objectOr, type JsonObject } from '../../src/core/json.ts'
import { registrations } from '../../src/operator/webhook-trust.ts'
import type { Benchmark } from './benchmark.ts'
import { create, createAll, createNamespace, startRealCluster, type Cluster } from './cluster.ts'
import { binding, referencesOf } from './manifests.ts'
import { runOperator } from './operator.ts'
import { median, quantile, type Samples } from './statistics.ts'
import { followStatuses } from './statuses.ts'
import { numberIn, startWorker, textIn } from './worker.ts'

/** Namespaces by which webhooks are called for them; the loop works in all of them alike. */
const paths = ['kleym', 'echo', 'none'] as const
type Path = (typeof paths)[number]
type Latencies = Record<Path, number[]>

const warmUps = 20

/** What the webhooks add to a create through a real API server, beside two that allow without looking. */
export const latency: Benchmark = async (report, { quick }) => {
  const [blocks, size] = quick ? [2, 20] : [5, 100]
  await using cluster = await startRealCluster()
  await using stack = new AsyncDisposableStack()
  stack.use(await runOperator(cluster, { webhook: true }))
  await using bare = startWorker(new URL('reviews/bare.ts', import.meta.url), [])
  const address = await bare.ask('address')
  await route(cluster, `https://127.0.0.1:${numberIn(address, 'port')}`, textIn(address, 'ca'))
  const measured: Latencies[] = []
  for (const namespace of paths) {
    await createNamespace(cluster, namespace, { webhooks: namespace })
    await createAll(cluster, referencesOf(namespace, warmUps + blocks * size))
  }
  await createInTurns(cluster, 0, warmUps)
  for (let block = 0; block < blocks; block++)
    measured.push(await createInTurns(cluster, warmUps + block * size, size))

  const added = (path: Path): Samples => measured.map((one) => median(one[path]) - median(one.none))
  report.figure({
    name: 'added to a create by the webhooks, median',
    unit: 'ms',
    samples: added('kleym'),
    floor: { name: 'two that only echo', samples: added('echo') },
  })
  const all = (path: Path): Samples => measured.flatMap((one) => one[path])
  const late = (path: Path): number => quantile(all(path), 0.99)
  report.figure({
    name: 'added to a create by the webhooks, 99th percentile',
    unit: 'ms',
    samples: [late('kleym') - late('none')],
    floor: { name: 'two that only echo', samples: [late('echo') - late('none')] },
  })
  for (const path of paths)
    report.note(`${path}: p50 ${median(all(path)).toFixed(2)} ms, p99 ${late(path).toFixed(2)} ms`)
}

/** One create after the other, in each namespace in turn; each is Ready before the next comes. */
async function createInTurns(cluster: Cluster, from: number, size: number): Promise<Latencies> {
  const latencies: Latencies = { kleym: [], echo: [], none: [] }
  await using stack = new AsyncDisposableStack()
  const statuses = new Map<Path, Awaited<ReturnType<typeof followStatuses>>>()
  for (const path of paths) statuses.set(path, stack.use(await followStatuses(cluster, path)))
  for (let index = from; index < from + size; index++) {
    for (let turn = 0; turn < paths.length; turn++) {
      const path = paths[(turn + index) % paths.length] ?? 'none'
      const started = performance.now()
      await create(cluster, binding(path, index))
      latencies[path].push(performance.now() - started)
      await statuses.get(path)?.reached('Reconciled', index + 1)
    }
  }
  return latencies
}

/** Narrows the operator's webhooks to one namespace and registers the same ones, elsewhere, for another. */
async function route({ objects }: Cluster, url: string, ca: string): Promise<void> {
  for (const { resource, name } of registrations) {
    const reply = await objects.get(resource, { name })
    if (reply.kind !== 'done') throw new Error(`reading ${resource.kind} ${name}: ${reply.kind}`)
    const narrowed = withWebhooks(reply.object, (webhook) => ({ ...webhook, ...onlyFor('kleym') }))
    const echo = withWebhooks(reply.object, (webhook) => ({
      ...webhook,
      ...onlyFor('echo'),
      name: `echo-${String(webhook['name'])}`,
      clientConfig: { url: `${url}/validate`, caBundle: Buffer.from(ca).toString('base64') },
    }))
    const written = [
      await objects.replace(resource, narrowed),
      await objects.create(resource, { ...echo, metadata: { name: 'echo' } }),
    ]
    if (written.some(({ kind }) => kind !== 'done'))
      throw new Error(`registering the webhooks: ${JSON.stringify(written)}`)
  }
}

const onlyFor = (webhooks: Path) => ({ namespaceSelector: { matchLabels: { webhooks } } })

const withWebhooks = (configuration: JsonObject, change: (webhook: JsonObject) => JsonObject): JsonObject => {
  const webhooks: unknown = configuration['webhooks']
  return {
    ...objectOr(configuration),
    webhooks: Array.isArray(webhooks) ? webhooks.filter(isObject).map(change) : [],
  }
}
