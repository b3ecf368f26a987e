import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Config } from '../config.ts'
import { startTerm, type Term } from '../controller/term.ts'
import { UnshownOutputs } from '../controller/unshown-outputs.ts'
import { given, type BindingKey } from '../core/binding.ts'
import { summaryOf } from '../core/conditions.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Resource } from '../core/resources.ts'
import type { Client } from '../kube/client.ts'
import { systemClock } from '../kube/clock.ts'
import { campaign, type Campaign } from '../kube/lease.ts'
import { createObjects } from '../kube/objects.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { confirmation } from './live-reads.ts'
import type { ReviewsFirst } from './reviews-first.ts'

/** How many keys are reconciled at the same time, at most. More would not be faster: the API server bounds the rate. */
const workers = 32

const lost = (): Error => new Error('leadership was lost')

/** The name that the former operator uses, so that the old and the new operator never lead at the same time. */
const leaseName = 'a558cee8.sonda.red'

/** How often this replica checks whether its Lease has run out. If it has, calls under way are given up. */
const watchdogMs = 500

type LeadershipOptions = {
  readonly config: Pick<Config, 'leaderElect' | 'namespace' | 'departures'>
  readonly client: Pick<Client, 'call'>
  readonly inventory: Inventory
  readonly metrics: Metrics
  readonly log: Log
  /** Why nothing may be touched at this moment. */
  readonly hindrance: () => string | undefined
  /** Resolves once something may be decided in a namespace, or the signal aborts; undefined where that is so already. */
  readonly whenDecidable: (namespace: string, signal: AbortSignal) => Promise<void> | undefined
  /** Whether bindings, pools or objectives may still read as a former schema of their kind shows them. */
  readonly isSchemaFresh: () => boolean
  readonly reviewsFirst: Pick<ReviewsFirst, 'turns'>
}

export type Leadership = {
  readonly mark: (keys: Iterable<BindingKey>) => void
  /** Marks keys that are run once no other key is marked. */
  readonly markLater: (keys: Iterable<BindingKey>) => void
  /** To be called when a kind has another schema. */
  readonly schemaChanged: (resource: Resource) => void
  readonly isLeading: () => boolean
  /** A text about bindings that have not succeeded for a while; undefined if there are none. */
  readonly troubles: () => string | undefined
  readonly start: () => void
  readonly stop: () => Promise<void>
}

/** Reconciles while this replica leads; without leader election it always does. */
export function createLeadership(options: LeadershipOptions): Leadership {
  const { config, client, inventory, metrics, log, hindrance, whenDecidable, isSchemaFresh, reviewsFirst } =
    options
  const unshown = new UnshownOutputs()
  let term: Term | undefined
  let election: Campaign | undefined
  /** Aborted when the Lease is lost, so that nobody waits for the answers to what this replica has sent. */
  let fence = new AbortController()
  let watchdog: NodeJS.Timeout | undefined
  const mayWrite = (): boolean => election?.isLeading() ?? true

  const begin = (): void => {
    fence = new AbortController()
    metrics.leading(true)
    const objects = createObjects(client, { until: fence.signal, mayStart: mayWrite })
    term = startTerm({
      inventory,
      objects,
      confirming: (reads) => confirmation(inventory, reads),
      unshown,
      departures: config.departures,
      mayWrite,
      hindrance,
      whenDecidable,
      isSchemaFresh,
      workers,
      turns: reviewsFirst.turns,
      clock: systemClock,
      instance: hostname(),
      log,
      observe: {
        outcome: ({ spec }, outcome) =>
          metrics.bindingOutcome({ ...summaryOf(outcome), mode: given(spec.mode) }),
        run: metrics.reconciled,
        write: metrics.outputWritten,
      },
    })
  }
  const end = async (): Promise<void> => {
    const ending = term
    term = undefined
    metrics.leading(false)
    if (!mayWrite()) fence.abort(lost())
    await ending?.end()
  }
  metrics.queueDepthFrom(() => term?.depth() ?? 0)
  metrics.runsAllowedFrom(() => term?.runsAllowed() ?? 0)
  return {
    mark: (keys) => term?.mark(keys),
    markLater: (keys) => term?.markLater(keys),
    schemaChanged: (resource) => term?.schemaChanged(resource),
    isLeading: () => term !== undefined && mayWrite(),
    troubles: () => term?.troubles(),
    start: () => {
      if (!config.leaderElect) return begin()
      watchdog = setInterval(() => {
        if (!fence.signal.aborted && !mayWrite()) fence.abort(lost())
      }, watchdogMs)
      election = campaign({
        client,
        namespace: config.namespace,
        name: leaseName,
        identity: `${hostname()}_${randomUUID()}`,
        onStartedLeading: begin,
        onStoppedLeading: end,
        log,
      })
    },
    stop: async () => {
      const drained = end()
      await (election ? election.stop(drained) : drained)
      clearInterval(watchdog)
    },
  }
}
