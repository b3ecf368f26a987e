import type { Binding, BindingKey } from '../core/binding.ts'
import type { Outcome } from '../core/conditions.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects, Reply } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'
import type { Log } from '../log.ts'
import { eventOf, eventResource } from './events.ts'
import { runLoop } from './loop.ts'
import { Outputs } from './output.ts'
import { wait, type Result } from './outcome.ts'
import { Processing } from './processing.ts'
import { Queue } from './queue.ts'
import { reconcile } from './reconcile.ts'
import { Statuses } from './statuses.ts'

type TermOptions = {
  readonly inventory: Inventory
  readonly objects: Objects
  /** Asked before every write. */
  readonly mayWrite: () => boolean
  /** Why nothing may be touched for now, if so. */
  readonly halted: () => string | undefined
  readonly workers: number
  readonly instance: string
  readonly log: Log
  readonly observe: {
    readonly outcome: (binding: Binding, outcome: Outcome) => void
    readonly run: (result: Result['kind'] | 'error', seconds: number) => void
  }
}

export type Term = {
  readonly mark: (keys: Iterable<BindingKey>) => void
  readonly depth: () => number
  /** Takes no more keys; resolves when those that run are done. */
  readonly end: () => Promise<void>
}

/** The time in which this replica reconciles: it starts by looking at everything. */
export function startTerm(options: TermOptions): Term {
  const { inventory, log, workers, instance, halted, observe } = options
  const objects = fenced(options.objects, options.mayWrite)
  const queue = new Queue<BindingKey>()
  const reach = {
    inventory,
    objects,
    outputs: new Outputs(inventory, objects),
    statuses: new Statuses({
      settings: inventory.settings,
      objects,
      schema: () => inventory.schemaOf(bindingResource),
      now: () => new Date(),
      instance,
      observe: observe.outcome,
      warn: log.warn,
    }),
  }
  const processing = new Processing({
    inventory,
    now: () => performance.now(),
    announce: async (binding, news) => {
      const event = eventOf(binding, news, { now: new Date(), instance })
      return (await objects.create(eventResource, event)).kind !== 'failed'
    },
    warn: log.warn,
  })
  const checking = setInterval(() => {
    if (halted() === undefined) void processing.check()
  }, checkEveryMs)
  const mark = (keys: Iterable<BindingKey>): void => {
    for (const key of keys) queue.add(key)
  }
  mark(inventory.keys())
  const ended = runLoop({
    queue,
    workers,
    log,
    observe: observe.run,
    reconcile: async (key) => {
      const why = halted()
      return why === undefined ? reconcile(key, reach) : wait(why, haltedMs)
    },
  })
  return {
    mark,
    depth: () => queue.depth,
    end: async () => {
      clearInterval(checking)
      await queue.shutdown()
      await ended
    },
  }
}

/** How often it is looked for outputs that nobody has processed. */
const checkEveryMs = 5_000

/** How long after a halt a key is looked at again. */
const haltedMs = 10_000

/** Writes fail before they are sent once another replica may be leading, however long this one was frozen. */
function fenced(objects: Objects, mayWrite: () => boolean): Objects {
  const guard =
    <Args extends readonly unknown[]>(write: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> =>
      mayWrite() ? write(...args) : { kind: 'failed', cause: 'not leading any more', retryAfterMs: undefined }
  return {
    get: objects.get,
    create: guard(objects.create),
    replace: guard(objects.replace),
    replaceStatus: guard(objects.replaceStatus),
    mergePatch: guard(objects.mergePatch),
    remove: guard(objects.remove),
  }
}
