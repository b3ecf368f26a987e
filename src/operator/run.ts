import { setTimeout as sleep } from 'node:timers/promises'
import { describeConfig, operatorConfig, type Config } from '../config.ts'
import { given } from '../core/binding.ts'
import { summaryIn } from '../core/conditions.ts'
import { configurableReasons } from '../core/findings.ts'
import { Inventory } from '../core/inventory.ts'
import { KeptSettings } from '../core/kept-settings.ts'
import { fateOf } from '../core/output-stats.ts'
import { eventResource, gvk } from '../core/resources.ts'
import { messageOf } from '../core/show.ts'
import type { Environment } from '../flags/read.ts'
import { createClient } from '../kube/client.ts'
import { loadKubeConfig, namespaceOfPod, type ClusterConfig } from '../kube/config.ts'
import { createObjects } from '../kube/objects.ts'
import { createLog, type Log } from '../log.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { exitCodes, usage, type CommandResult } from '../result.ts'
import { startProbes, type HealthCheck } from '../serving/probes.ts'
import { version } from '../version.ts'
import { Reservations } from '../webhook/reservations.ts'
import { createAdmission, type ShownTokens } from './admission.ts'
import { disregardedEvent } from './disregarded-event.ts'
import { createFeed, type Feed } from './feed.ts'
import { fileProblems } from './files.ts'
import { heapOfProcess } from './heap.ts'
import { hindranceOf } from './knowledge.ts'
import { createLeadership, type Leadership } from './leadership.ts'
import { startMetrics } from './protected-metrics.ts'
import { createPublishing } from './publish.ts'
import { createReviewsFirst } from './reviews-first.ts'
import type { StopSignals } from './signals.ts'

/** `kleym operator`: runs until a signal asks it to stop. */
export async function runOperator(
  argv: readonly string[],
  env: Environment,
  stop: StopSignals,
): Promise<CommandResult> {
  const parsed = operatorConfig(argv, env, { configurableReasons, podNamespace: namespaceOfPod() })
  if (parsed.kind === 'help') return { code: exitCodes.fine, stdout: parsed.text, stderr: '' }
  if (parsed.kind === 'usage') return usage(parsed.problems)
  const { config, warnings } = parsed
  const cluster = clusterOf(config)
  const problems = [...(typeof cluster === 'string' ? [cluster] : []), ...(await fileProblems(config))]
  if (typeof cluster === 'string' || problems.length > 0) return usage(problems)
  const log = createLog({ level: config.logLevel })
  for (const warning of warnings) log.warn({}, warning)
  log.info(describeConfig(config), 'configuration')
  try {
    const operator = await startOperator(config, cluster, log)
    log.info({ signal: await stop.first }, 'stopping')
    await Promise.race([operator.stop(), stop.second, sleep(stopWithinMs(config))])
  } catch (error) {
    log.error({ err: error }, 'the operator gives up')
    return { code: exitCodes.usage, stdout: '', stderr: '' }
  }
  return { code: exitCodes.fine, stdout: '', stderr: '' }
}

/** The cluster to connect to, or a text that says why it is not known. */
function clusterOf({ kubeconfig, context }: Config): ClusterConfig | string {
  try {
    return loadKubeConfig({ kubeconfig, context })
  } catch (error) {
    return messageOf(error)
  }
}

/** How long the stop may wait for an API server that does not answer. A pod has 30 s to stop. */
const stopWithinMs = ({ webhook }: Config): number => (webhook.url === undefined ? 24_000 : 12_000)

/**
 * A change that concerns more bindings than this is worked out in slices: one binding takes some 30 µs, and reviews must not wait
 * for more than 3 ms.
 */
export const workedOutAtOnce = 100

type Operator = { readonly stop: () => Promise<void> }

async function startOperator(config: Config, cluster: ClusterConfig, log: Log): Promise<Operator> {
  await using started = new AsyncDisposableStack()
  let stopping = false
  const reviewsFirst = createReviewsFirst()
  const metrics = createMetrics(reviewsFirst.turns)
  metrics.builtAs(version)
  const shownTokens: ShownTokens = new Set()
  const client = createClient(cluster, {
    onAnswer: (method, code) =>
      metrics.apiRequest(method === 'WATCH' ? 'GET' : method, code === 'lost' ? undefined : code),
    onTokenShown: (token) => shownTokens.add(token),
  })
  started.defer(() => client.close())
  const inventory = new Inventory(
    { trustDomain: config.trustDomain, className: config.className },
    { atOnce: workedOutAtOnce },
  )
  const keptSettings = new KeptSettings(inventory, config.departures, (words) => log.warn({}, words))
  metrics.keptSettingsFrom(() => ({
    trustDomain: keptSettings.count('trust domain'),
    className: keptSettings.count('class'),
  }))
  const leadership: Leadership = createLeadership({
    config,
    client,
    inventory,
    metrics,
    log,
    hindrance: () => hindranceOf(feed),
    whenDecidable: (namespace, signal) => feed.whenDecidable(namespace, signal),
    isSchemaFresh: () => feed.isSchemaFresh(),
    reviewsFirst,
  })
  const objects = createObjects(client)
  const reservations = new Reservations({
    objects,
    namespace: config.namespace,
    now: () => performance.now(),
    holders: (key) => [...inventory.holders(key), ...inventory.sharingContainer(key)],
    disregarded: (claimant, winner) => {
      metrics.claimDisregarded()
      log.warn({ claimant, winner }, 'a claim that may never be followed by a binding refused nobody')
      void objects.create(eventResource, disregardedEvent(claimant, winner, new Date()))
    },
  })
  const feed = createFeed({
    client,
    inventory,
    log,
    mark: (keys) => {
      keptSettings.look(keys)
      leadership.mark(keys)
    },
    markLater: (keys) => {
      keptSettings.look(keys)
      leadership.markLater(keys)
    },
    schemaChanged: (resource) => leadership.schemaChanged(resource),
    bindingReleased: (uid) => reservations.holderDeleted(uid),
  })
  started.defer(() => feed.stop())
  const metricsServer = await startMetrics({ config, client, metrics, log })
  started.defer(() => metricsServer.close())
  const admission = createAdmission({
    config,
    client,
    inventory,
    reservations,
    feed,
    reviewsFirst,
    metrics,
    shownTokens,
    log,
    presents: (pair) => metricsServer.presentAsWebhook(pair),
    isLeading: leadership.isLeading,
    notices: () => [keptSettings.words()].filter((words) => words !== undefined),
  })
  reportCluster(metrics, inventory, feed)
  const ready = (): readonly HealthCheck[] => [
    { name: 'running', problem: stopping ? 'stopping' : undefined },
    {
      name: 'caches',
      problem: feed.unsynced().length === 0 ? undefined : `waiting for ${feed.unsynced().join(', ')}`,
    },
    { name: 'contract', problem: feed.halted() },
    { name: 'settings', problem: keptSettings.words(), informs: true },
    { name: 'bindings', problem: leadership.troubles(), informs: true },
    ...admission.checks(),
  ]
  const publishing = createPublishing({
    config,
    objects,
    isLeading: leadership.isLeading,
    halted: () => feed.halted(),
    checks: ready,
    certificates: admission.certificates,
    log,
  })
  if (config.probes.address) {
    const probes = await startProbes({ ...config.probes.address, healthy: () => [], ready, log })
    started.defer(() => probes.close())
  }
  const heap = heapOfProcess({
    forget: () => {
      inventory.forgetOld()
      reservations.forgetOld()
    },
  })
  started.defer(() => heap.stop())
  feed.start()
  const begin = async (): Promise<void> => {
    await feed.synced
    if (stopping) return
    log.info({ bindings: inventory.size }, 'everything is known')
    heap.release()
    admission.start()
    leadership.start()
    publishing.start()
  }
  void begin()
  const rest = started.move()
  return {
    stop: async () => {
      stopping = true
      publishing.stop()
      await Promise.all([admission.stop(), leadership.stop()])
      await rest.disposeAsync()
    },
  }
}

/** Registers the metrics that are read from the inventory and the watches at each scrape. */
function reportCluster(metrics: Metrics, inventory: Inventory, feed: Feed): void {
  metrics.bindingsFrom(() =>
    inventory.bindings().map(({ spec, status }) => ({
      ...(summaryIn(status) ?? { condition: 'Ready', reason: 'Initializing' }),
      mode: given(spec.mode),
    })),
  )
  metrics.outputsFrom(() => Iterator.from(inventory.outputs()).map(({ stats }) => fateOf(stats)))
  metrics.reflectorsFrom(() =>
    feed.reflectors().map(({ resource, reflector }) => ({
      resource: gvk(resource),
      seconds: (performance.now() - reflector.lastContact) / 1000,
      restarts: reflector.restarts,
    })),
  )
}
