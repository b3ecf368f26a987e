import type { BindingKey } from '../core/binding.ts'
import type { Clock } from '../core/clock.ts'
import type { Inventory } from '../core/inventory.ts'
import { clusterSpiffeIdResource, gvk, type Resource } from '../core/resources.ts'
import { inSlices, type Turns } from '../core/slices.ts'
import type { Log } from '../log.ts'

type WorkingOutOptions = {
  readonly inventory: Pick<Inventory, 'workOutNext' | 'isWorkedOut' | 'isAllWorkedOut'>
  readonly markLater: (keys: Iterable<BindingKey>) => void
  readonly turns: Turns
  readonly clock: Pick<Clock, 'after'>
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>
}

export type TakingIn = { readonly resource: Resource; readonly forMs: number }

/** Who may have to wait for a list: the reconcile loop waits for those of all kinds, a review for those that it depends on. */
export type Waiting = 'loop' | 'review'

/**
 * A list that is being taken in for longer than this is told: it hangs, or broke off. A list of a hundred thousand objects takes
 * some seconds.
 */
export const takenInWithinMs = 10_000

/**
 * Works off what changes leave for later, a slice of the event loop at a time, and knows where nothing may be decided
 * meanwhile.
 */
export class WorkingOut {
  readonly #options: WorkingOutOptions
  /** Kinds of which a list is being taken in, when that began, and what is to be done once it has ended. */
  readonly #mixed = new Map<Resource, { readonly since: number; readonly ended: () => void }>()
  /** Bindings that are worked out, and still to be marked for the loop. */
  readonly #unmarked: Iterator<BindingKey>[] = []
  #work: Promise<void> | undefined
  #isBegun = false
  #news = Promise.withResolvers<void>()

  constructor(options: WorkingOutOptions) {
    this.#options = options
  }

  /** Begins to work off what changes leave for later. Resolves once all that is left at this moment is worked off. */
  async begin(): Promise<void> {
    this.#isBegun = true
    this.goOn()
    await this.#work
  }

  /** Works off what is left for later, unless that is under way or has not begun. */
  goOn(): void {
    if (!this.#isBegun || this.#isDone) return
    this.#work ??= this.#workOff()
  }

  async #workOff(): Promise<void> {
    await inSlices(this.#steps(), this.#options.turns)
    this.#work = undefined
    this.goOn()
  }

  /** Marks these a slice at a time. */
  markLater(keys: Iterable<BindingKey>): void {
    this.#unmarked.push(Iterator.from(keys))
    this.goOn()
  }

  mixed(resource: Resource, isMixed: boolean): void {
    this.#mixed.get(resource)?.ended()
    if (isMixed) this.#mixed.set(resource, { since: this.#options.turns.now(), ended: this.#watch(resource) })
    else this.#mixed.delete(resource)
    this.#tell()
  }

  /** Logs that a list is not taken in for long, since the loop decides nothing meanwhile. To be called once the list is taken in. */
  #watch(resource: Resource): () => void {
    const { clock, log } = this.#options
    let isLate = false
    const cancel = clock.after(takenInWithinMs, () => {
      isLate = true
      log.warn(
        { gvk: gvk(resource) },
        'a list has not been taken in whole yet: until it is, nothing is reconciled',
      )
    })
    return () => {
      cancel()
      if (isLate) log.info({ gvk: gvk(resource) }, 'the list is no longer waited for')
    }
  }

  /** The list that the loop or a review waits for, and for how many milliseconds; of several the one that lasts for longest. */
  takingIn(waiting: Waiting): TakingIn | undefined {
    const longest = this.#mixed
      .entries()
      .find(([resource]) => waiting === 'loop' || concernsReviews(resource))
    return longest && { resource: longest[0], forMs: this.#options.turns.now() - longest[1].since }
  }

  /**
   * Resolves once the loop may decide something in a namespace, or the signal aborts; undefined where it may already.
   */
  whenDecidable(namespace: string, signal: AbortSignal): Promise<void> | undefined {
    return this.#when(
      () => this.takingIn('loop') === undefined && this.#options.inventory.isWorkedOut(namespace),
      signal,
    )
  }

  /** The same for reviews, which wait for no list of ClusterSPIFFEIDs. */
  whenReviewable(namespace: string, signal: AbortSignal): Promise<void> | undefined {
    return this.#when(
      () => this.takingIn('review') === undefined && this.#options.inventory.isWorkedOut(namespace),
      signal,
    )
  }

  #when(holds: () => boolean, signal: AbortSignal): Promise<void> | undefined {
    return holds() ? undefined : this.#waitUntil(holds, signal)
  }

  async #waitUntil(holds: () => boolean, signal: AbortSignal): Promise<void> {
    const { promise: aborted, resolve: give } = Promise.withResolvers<void>()
    const abort = (): void => give()
    signal.addEventListener('abort', abort)
    while (!signal.aborted && !holds()) await Promise.race([this.#news.promise, aborted])
    signal.removeEventListener('abort', abort)
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  get #isDone(): boolean {
    return this.#options.inventory.isAllWorkedOut && this.#unmarked.length === 0
  }

  /** Bindings are worked out before any are marked: a review may be waiting for that. */
  *#steps(): Generator<undefined, void> {
    for (; !this.#isDone; yield) {
      try {
        if (this.#options.inventory.isAllWorkedOut) this.#markOne()
        else this.#workOutOne()
      } catch (error) {
        this.#options.log.error({ err: error }, 'a binding could not be worked out anew')
      }
    }
  }

  #workOutOne(): void {
    const keys = this.#options.inventory.workOutNext()
    if (!keys) return
    this.#unmarked.push(Iterator.from(keys))
    this.#tell()
  }

  #markOne(): void {
    const next = this.#unmarked[0]?.next()
    if (next && !next.done) this.#options.markLater([next.value])
    else this.#unmarked.shift()
  }
}

/** The ClusterSPIFFEIDs that are there decide about no review: by them a review only warns of fallbacks that give way. */
const concernsReviews = (resource: Resource): boolean => resource !== clusterSpiffeIdResource
