import type { BindingKey } from '../core/binding.ts'
import type { Inventory } from '../core/inventory.ts'
import { clusterSpiffeIdResource, type Resource } from '../core/resources.ts'
import { inSlices, type Turns } from '../core/slices.ts'
import type { Log } from '../log.ts'

type WorkingOutOptions = {
  readonly inventory: Pick<Inventory, 'workOutNext' | 'isWorkedOut' | 'isAllWorkedOut'>
  readonly markLater: (keys: Iterable<BindingKey>) => void
  readonly turns: Turns
  readonly log: Pick<Log, 'error'>
}

export type TakingIn = { readonly resource: Resource; readonly forMs: number }

/**
 * Works off what changes leave for later, a slice of the event loop at a time, and knows where nothing may be decided
 * meanwhile.
 */
export class WorkingOut {
  readonly #options: WorkingOutOptions
  /** Kinds of which a list is being taken in, and when that began. */
  readonly #mixed = new Map<Resource, number>()
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
    if (isMixed) this.#mixed.set(resource, this.#options.turns.now())
    else this.#mixed.delete(resource)
    this.#tell()
  }

  /**
   * The kind that reviews depend on and of which a list is being taken in for longest, and for how many milliseconds; undefined if
   * there is none.
   */
  takingIn(): TakingIn | undefined {
    const longest = this.#mixed.entries().find(([resource]) => concernsReviews(resource))
    return longest && { resource: longest[0], forMs: this.#options.turns.now() - longest[1] }
  }

  /**
   * Resolves once the loop may decide something in a namespace, or the signal aborts; undefined where it may already.
   */
  whenDecidable(namespace: string, signal: AbortSignal): Promise<void> | undefined {
    return this.#when(() => this.#mixed.size === 0 && this.#options.inventory.isWorkedOut(namespace), signal)
  }

  /** The same for reviews, which wait for no list of ClusterSPIFFEIDs. */
  whenReviewable(namespace: string, signal: AbortSignal): Promise<void> | undefined {
    return this.#when(
      () => this.takingIn() === undefined && this.#options.inventory.isWorkedOut(namespace),
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
