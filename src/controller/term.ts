import type { Binding, BindingKey } from '../core/binding.ts'
import type { Clock } from '../core/clock.ts'
import type { Outcome } from '../core/conditions.ts'
import type { Departures } from '../core/former.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects } from '../core/objects.ts'
import { bindingResource, clusterSpiffeIdResource, type Resource } from '../core/resources.ts'
import { inSlices, type Turns } from '../core/slices.ts'
import type { Log } from '../log.ts'
import { Announcer } from './announcer.ts'
import { Budget } from './budget.ts'
import { fenced, measured } from './guarded-objects.ts'
import type { JournalAction, JournalEntry } from './journal.ts'
import { runLoop } from './loop.ts'
import { Outputs } from './output.ts'
import { Pace } from './pace.ts'
import { Processing } from './processing.ts'
import { Queue } from './queue.ts'
import { reconcile, type Confirm } from './reconcile.ts'
import { wait, type RunResult } from './run-result.ts'
import { Statuses } from './statuses.ts'
import { TroubleReports } from './trouble-reports.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'

type TermOptions = {
  readonly inventory: Inventory
  readonly objects: Objects
  /** Outputs that earlier terms of this process wrote and the inventory may not have yet. */
  readonly unshown: UnshownOutputs
  /** Former trust domains and classes that the configuration allows to leave. */
  readonly departures: Departures
  /** Asked before every write; false once another replica may be leading. */
  readonly mayWrite: () => boolean
  /** Why nothing may be written for now; undefined if writing is allowed. */
  readonly hindrance: () => string | undefined
  /** Resolves once something may be decided in a namespace, or the signal aborts; undefined where that is so already. */
  readonly whenDecidable: (namespace: string, signal: AbortSignal) => Promise<void> | undefined
  /** Makes the confirmation out of objects whose reads count in the budget. */
  readonly confirming: (objects: Pick<Objects, 'get'>) => Confirm
  /** Whether bindings, pools or objectives may still read as a former schema of their kind shows them. */
  readonly isSchemaFresh: () => boolean
  readonly workers: number
  readonly turns: Turns
  readonly clock: Clock
  readonly instance: string
  readonly log: Log
  readonly observe: {
    readonly outcome: (binding: Binding, outcome: Outcome) => void
    readonly run: (result: RunResult['kind'] | 'error', seconds: number) => void
    /** Called for every ClusterSPIFFEID that was written. */
    readonly write: (action: JournalAction) => void
  }
}

export type Term = {
  readonly mark: (keys: Iterable<BindingKey>) => void
  /** Marks keys that are run once no other key is marked. */
  readonly markLater: (keys: Iterable<BindingKey>) => void
  /** To be called when a kind has another schema: the API server may then store more, or less, of our objects. */
  readonly schemaChanged: (resource: Resource) => void
  readonly depth: () => number
  /** How many runs may be under way at once. */
  readonly runsAllowed: () => number
  /** A text about bindings that have not succeeded for a while; undefined if there are none. */
  readonly troubles: () => string | undefined
  /** Stops taking keys; resolves when the running ones are done, and the Event that is being posted. */
  readonly end: () => Promise<void>
}

/** The time in which this replica reconciles: it starts by looking at everything. */
export function startTerm(options: TermOptions): Term {
  const { inventory, unshown, log, workers, instance, hindrance, whenDecidable, observe, departures } =
    options
  const { turns, clock } = options
  const budget = new Budget({ most: workers, clock })
  const objects = fenced(measured(options.objects, budget), options.mayWrite)
  const queue = new Queue<BindingKey>({ clock })
  const ending = new AbortController()
  const announcer = new Announcer({ objects, now: () => clock.date(), instance, warn: log.warn })
  const journal = ({ action, ...entry }: JournalEntry): void => {
    observe.write(action)
    log.info(entry, `ClusterSPIFFEID ${action}`)
  }
  const statuses = new Statuses({
    objects,
    announcer,
    schema: () => inventory.schemaOf(bindingResource),
    now: () => clock.date(),
    observe: observe.outcome,
    info: log.info,
  })
  const outputs = new Outputs({ inventory, objects, announcer, journal, unshown })
  const { isSchemaFresh } = options
  const confirm = options.confirming(objects)
  const reach = { inventory, objects, outputs, statuses, announcer, departures, confirm, isSchemaFresh }
  const troubleReports = new TroubleReports({
    now: () => clock.now(),
    binding: (key) => inventory.binding(key),
    announcer,
    statuses,
    log,
  })
  const processing = new Processing({
    inventory,
    now: () => clock.now(),
    turns,
    announce: (binding, news) => announcer.post(binding, [news]),
    warn: log.warn,
  })
  let sweep: Promise<void> | undefined
  const checkTimer = setInterval(() => {
    if (hindrance() === undefined) sweep = processing.check(ending.signal)
  }, checkEveryMs)
  const mark = (keys: Iterable<BindingKey>): void => {
    for (const key of keys) queue.add(key)
  }
  const markLater = (keys: Iterable<BindingKey>): void => {
    void inSlices(marking(queue, keys), turns)
  }
  markLater(inventory.keys())
  // Unshown outputs may belong to bindings that are gone. Those bindings are run too, because such outputs hold their
  // collision keys until then.
  mark(unshown.keys())
  const ended = runLoop({
    queue,
    workers,
    budget,
    pace: new Pace(turns),
    log,
    observe: observe.run,
    reconcile: async (key) => {
      await whenDecidable(key.slice(0, key.indexOf('/')), ending.signal)
      if (ending.signal.aborted) return wait('this replica stops reconciling', hinderedMs)
      const why = hindrance()
      return why === undefined ? troubleReports.run(key, () => reconcile(key, reach)) : wait(why, hinderedMs)
    },
  })
  return {
    mark,
    markLater,
    schemaChanged: (resource) => {
      if (resource === clusterSpiffeIdResource) markLater(outputs.pruned())
      if (resource === bindingResource && statuses.arePruned) markLater(inventory.keys())
      if (resource === clusterSpiffeIdResource || resource === bindingResource) queue.hasten()
    },
    depth: () => queue.depth,
    runsAllowed: () => budget.runsAllowed,
    troubles: () => troubleReports.words(),
    end: async () => {
      clearInterval(checkTimer)
      // A worker that waits for a list would keep the term from ending, and so the Lease from being given back, for as long as
      // the API server is gone.
      ending.abort()
      budget.lift()
      await queue.shutdown()
      await ended
      await sweep
    },
  }
}

function* marking(queue: Queue<BindingKey>, keys: Iterable<BindingKey>): Generator<undefined, void> {
  for (const key of keys) {
    queue.addLater(key)
    yield
  }
}

/** How often outputs that SPIRE Controller Manager has not processed are looked for. */
const checkEveryMs = 5_000

/** How long a key that nothing may be done about waits before it is looked at again. */
const hinderedMs = 10_000
