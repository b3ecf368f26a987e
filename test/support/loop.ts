import { startTerm, type Term } from '../../src/controller/term.ts'
import { UnshownOutputs } from '../../src/controller/unshown-outputs.ts'
import { Inventory } from '../../src/core/inventory.ts'
import type { Objects } from '../../src/core/objects.ts'
import { createClient } from '../../src/kube/client.ts'
import { systemClock, systemTurns } from '../../src/kube/clock.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { createObjects } from '../../src/kube/objects.ts'
import type { Timings } from '../../src/kube/reflector-options.ts'
import { createLog } from '../../src/log.ts'
import { createFeed } from '../../src/operator/feed.ts'
import { hindranceOf } from '../../src/operator/knowledge.ts'
import { confirmation } from '../../src/operator/live-reads.ts'
import { settings } from './builders.ts'

/** Times that suit an API server that bookmarks every 50 ms: what takes a minute in a cluster is over at once. */
const hasty: Partial<Timings> = {
  backoff: { fromMs: 1, toMs: 100 },
  idleMs: 500,
  resumeWithinMs: 30,
  shortWatchMs: 1,
}

type LoopOptions = {
  readonly kubeconfig: string
  /** Wraps the loop's access to single objects. Without it the loop has the plain access. */
  readonly through?: (objects: Objects) => Objects
  readonly workers?: number
  readonly timings?: Partial<Timings>
  readonly schemaSettlesMs?: number
  readonly trustDomain?: string
  /** The former trust domains that may be left. */
  readonly leaving?: readonly string[]
}

export type Loop = {
  /** Resolves once it has begun to reconcile. */
  readonly synced: Promise<void>
  /** Whether the loop takes the schema of a kind for one that has just changed. */
  readonly isSchemaFresh: () => boolean
  /** Why the loop touches nothing at this moment. */
  readonly hindrance: () => string | undefined
  /** How many reconciliations have ended. */
  readonly runs: () => number
  /** What has become of ClusterSPIFFEIDs, as the log and the metric have it. */
  readonly writes: () => readonly string[]
  /** Lines of the log that a healthy loop does not write. */
  readonly mistakes: () => readonly string[]
  /**
   * As when the Lease is lost and taken again: what runs is finished, then all is looked at anew.
   *
   * @param meanwhile changes something that the next term knows of from its start
   */
  readonly nextTerm: (meanwhile?: () => Promise<unknown>) => Promise<void>
  /** As `nextTerm`, but it is the term of another replica: it knows nothing of what this one wrote, and its cache shows as much. */
  readonly takeOver: (meanwhile?: () => Promise<unknown>) => Promise<void>
  /** In good order: what runs is finished. */
  readonly stop: () => Promise<void>
  /** As when the process is killed: nothing is finished, nothing is answered any more. */
  readonly crash: () => Promise<void>
}

/** The reconcile loop in this process: the operator's feed and a term, composed as the operator composes them. */
export function startLoop({
  kubeconfig,
  through = (objects) => objects,
  workers = 4,
  timings = {},
  schemaSettlesMs = 100,
  trustDomain = settings.trustDomain,
  leaving = [],
}: LoopOptions): Loop {
  const mistakes: string[] = []
  const log = createLog({ level: 'error', destination: { write: (line) => void mistakes.push(line) } })
  const client = createClient(loadKubeConfig({ kubeconfig }), { timeoutMs: 2000 })
  const inventory = new Inventory({ ...settings, trustDomain }, { atOnce: 1 })
  let unshown = new UnshownOutputs()
  let term: Term | undefined
  let over = false
  let runs = 0
  const writes: string[] = []
  let hear: (() => void) | undefined
  const feed = createFeed({
    client,
    inventory,
    log,
    timings: { ...hasty, ...timings },
    schemaSettlesMs,
    mark: (keys) => {
      term?.mark(keys)
      hear?.()
    },
    markLater: (keys) => term?.markLater(keys),
    schemaChanged: (resource) => term?.schemaChanged(resource),
    bindingReleased: () => undefined,
  })
  const begin = (): void => {
    if (over) return
    const objects = through(createObjects(client))
    term = startTerm({
      inventory,
      objects,
      confirming: (reads) => confirmation(inventory, reads),
      isSchemaFresh: feed.isSchemaFresh,
      unshown,
      mayWrite: () => !over,
      hindrance: () => hindranceOf(feed),
      whenDecidable: feed.whenDecidable,
      workers,
      turns: systemTurns,
      clock: systemClock,
      instance: 'test',
      log,
      observe: {
        outcome: () => undefined,
        run: () => (runs += 1),
        write: (action) => void writes.push(action),
      },
      departures: { trustDomains: leaving, classNames: [] },
    })
  }
  feed.start()
  const synced = feed.synced.then(begin)
  const disconnect = async (): Promise<void> => {
    await client.close()
    await feed.stop()
  }
  const nextTerm = async (meanwhile?: () => Promise<unknown>): Promise<void> => {
    await term?.end()
    const heard = Promise.withResolvers<void>()
    hear = heard.resolve
    await meanwhile?.()
    if (meanwhile) await heard.promise
    begin()
  }
  return {
    synced,
    isSchemaFresh: feed.isSchemaFresh,
    hindrance: () => hindranceOf(feed),
    runs: () => runs,
    writes: () => writes,
    mistakes: () => mistakes,
    nextTerm,
    takeOver: async (meanwhile) => {
      await term?.end()
      unshown = new UnshownOutputs()
      await nextTerm(meanwhile)
    },
    stop: async () => {
      await term?.end()
      over = true
      await disconnect()
    },
    crash: () => {
      over = true
      return disconnect()
    },
  }
}
