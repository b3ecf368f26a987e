import type { Binding } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import { notProcessed } from '../core/output-stats.ts'
import { inSlices, type Turns } from '../core/slices.ts'
import type { News } from './events.ts'

type ProcessingOptions = {
  readonly inventory: Pick<Inventory, 'unprocessed' | 'binding' | 'settings'>
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly turns: Turns
  /** Posts an Event; true if it exists now. */
  readonly announce: (binding: Binding, news: News) => Promise<boolean>
  readonly warn: (fields: object, message: string) => void
}

/**
 * How long SPIRE Controller Manager (SCM) may take before an output that it has not processed is reported. It goes through all
 * ClusterSPIFFEIDs at each change, which takes it seconds for thousands of them.
 */
const processedWithinMs = 60_000

type Wait = { readonly since: number; logged: boolean; reported: boolean }

type Due = { readonly output: Output; readonly binding: Binding; readonly wait: Wait }

/**
 * Reports outputs that SCM has not processed for a minute, each output once: an Event on its binding, and one log
 * line for all outputs that are reported together. The minute counts from when this process first saw the output
 * unprocessed.
 */
export class Processing {
  readonly #options: ProcessingOptions
  /** Outputs that wait for SCM, by uid. */
  #waits = new Map<string, Wait>()
  #running = false

  constructor(options: ProcessingOptions) {
    this.#options = options
  }

  /**
   * To be called every few seconds. Resolves once the outputs that are due have been reported; a call meanwhile does
   * nothing.
   */
  async check(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      await this.#check()
    } finally {
      this.#running = false
    }
  }

  async #check(): Promise<void> {
    const { inventory, turns, announce, warn } = this.#options
    const due = await inSlices(this.#due(), turns)
    const news = due.filter(({ wait }) => !wait.logged)
    const why = notProcessed(inventory.settings.className)
    if (news.length > 0) warn({ outputs: news.length, example: news[0]?.output.name, why }, 'not processed')
    for (const { wait } of news) wait.logged = true
    for (const { output, binding, wait } of due) {
      const note = `ClusterSPIFFEID ${output.name}: ${why}`
      wait.reported = await announce(binding, {
        type: 'Warning',
        reason: 'NotProcessed',
        note,
        about: output.uid,
      })
    }
  }

  /** Notes all outputs that wait, an output a step, forgets those that wait no more, and returns those that are due. */
  *#due(): Generator<undefined, readonly Due[]> {
    const { inventory, now } = this.#options
    const waits = new Map<string, Wait>()
    const due: Due[] = []
    for (const output of inventory.unprocessed()) {
      const wait = this.#waits.get(output.uid) ?? { since: now(), logged: false, reported: false }
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
