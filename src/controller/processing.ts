import type { Binding } from '../core/binding.ts'
import { classNameIn, type Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import { notProcessed } from '../core/output-stats.ts'
import { inSlices, type Turns } from '../core/slices.ts'
import type { News } from './events.ts'
import { waitAsAsked, type RunResult } from './run-result.ts'

type ProcessingOptions = {
  readonly inventory: Pick<Inventory, 'unprocessed' | 'binding'>
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly turns: Turns
  /** Posts an Event; undefined once that is done, otherwise the failure. */
  readonly announce: (binding: Binding, news: News) => Promise<RunResult | undefined>
  readonly warn: (fields: object, message: string) => void
}

/**
 * How long SPIRE Controller Manager (SCM) may take before an output that it has not processed is reported. It goes through all
 * ClusterSPIFFEIDs at each change, which takes it seconds for thousands of them.
 */
const processedWithinMs = 60_000

type Wait = { readonly since: number; logged: boolean; reported: boolean; failures: number }

type Due = { readonly output: Output; readonly binding: Binding; readonly wait: Wait }

/**
 * Reports outputs that SCM has not processed for a minute, each output once: an Event on its binding, and one log
 * line for all outputs of a class that are reported together. The minute counts from when this process first saw the output
 * unprocessed.
 *
 * With SCM down all outputs are due, and the API server may be no better: the first Event that can't be posted ends the sweep, and
 * the next sweep waits for as long as the API server asks for.
 */
export class Processing {
  readonly #options: ProcessingOptions
  /** Outputs that wait for SCM, by uid. */
  #waits = new Map<string, Wait>()
  /** How many Events could not be posted since the last one that could, by namespace. */
  readonly #failures = new Map<string, number>()
  #sweep: Promise<void> | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY

  constructor(options: ProcessingOptions) {
    this.#options = options
  }

  /**
   * To be called every few seconds. Resolves once the outputs that are due have been reported, one could not be, or the signal has
   * aborted and the call under way has ended. A call meanwhile begins nothing, and resolves with the first.
   */
  check(signal: AbortSignal): Promise<void> {
    if (this.#sweep) return this.#sweep
    if (this.#options.now() < this.#pausedUntil) return Promise.resolve()
    this.#sweep = this.#report(signal).finally(() => (this.#sweep = undefined))
    return this.#sweep
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { turns, announce, now } = this.#options
    const isOver = (): boolean => signal.aborted
    const due = await inSlices(this.#due(), turns)
    this.#log(due)
    for (const { output, binding, wait } of this.#inOrder(due)) {
      if (isOver()) return
      const failure = await announce(binding, {
        type: 'Warning',
        reason: 'NotProcessed',
        note: `ClusterSPIFFEID ${output.name}: ${notProcessed(classNameIn(output))}`,
        about: output.uid,
      })
      if (failure) {
        wait.failures += 1
        this.#failures.set(binding.namespace, this.#failuresIn(binding) + 1)
        this.#pausedUntil = now() + pauseAfter(failure)
        return
      }
      wait.reported = true
      this.#failures.delete(binding.namespace)
    }
  }

  /**
   * Outputs whose Events can't be posted come after the others, and so do those of the same namespace, whose Events a policy may refuse: they
   * keep none of the others from being reported.
   */
  #inOrder(due: readonly Due[]): readonly Due[] {
    return due.toSorted(
      (a, b) =>
        this.#failuresIn(a.binding) - this.#failuresIn(b.binding) || a.wait.failures - b.wait.failures,
    )
  }

  #failuresIn({ namespace }: Binding): number {
    return this.#failures.get(namespace) ?? 0
  }

  #log(due: readonly Due[]): void {
    const news = due.filter(({ wait }) => !wait.logged)
    for (const [className, of] of Map.groupBy(news, ({ output }) => classNameIn(output)))
      this.#options.warn(
        { outputs: of.length, example: of[0]?.output.name, why: notProcessed(className) },
        'not processed',
      )
    for (const { wait } of news) wait.logged = true
  }

  /** Notes all outputs that wait, an output a step, forgets those that wait no more, and returns those that are due. */
  *#due(): Generator<undefined, readonly Due[]> {
    const { inventory, now } = this.#options
    const waits = new Map<string, Wait>()
    const due: Due[] = []
    for (const output of inventory.unprocessed()) {
      const wait = this.#waits.get(output.uid) ?? {
        since: now(),
        logged: false,
        reported: false,
        failures: 0,
      }
      waits.set(output.uid, wait)
      const binding = output.owner === undefined ? undefined : inventory.binding(output.owner)
      if (binding && !wait.reported && now() - wait.since >= processedWithinMs)
        due.push({ output, binding, wait })
      yield
    }
    this.#waits = waits
    return due
  }
}

/** No longer than until the next `check`, unless the API server asks for more. */
const pauseAfter = (failure: RunResult): number =>
  failure.kind === 'retry' && failure.afterMs !== undefined ? waitAsAsked(failure.afterMs) : 0
