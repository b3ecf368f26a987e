import type { Binding } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import { notProcessed } from '../core/output-stats.ts'
import type { News } from './events.ts'

type ProcessingOptions = {
  readonly inventory: Pick<Inventory, 'unprocessed' | 'binding' | 'settings'>
  /** By a clock that only runs forward, in ms. */
  readonly now: () => number
  /** Posts an event; says whether it is there now. */
  readonly announce: (binding: Binding, news: News) => Promise<boolean>
  readonly warn: (fields: object, message: string) => void
}

/** SPIRE Controller Manager (SCM) goes through everything at each change, and takes seconds for thousands. */
const patienceMs = 60_000

type Wait = { readonly since: number; logged: boolean; said: boolean }

/**
 * Tells of outputs that SCM has not looked at for a minute, each once: an Event on its binding, and one line in the log
 * for all that are told of at once. How long is counted by this process alone, from when it first saw the output so.
 */
export class Processing {
  readonly #options: ProcessingOptions
  /** By the uid of the output. */
  #waits = new Map<string, Wait>()
  #running = false

  constructor(options: ProcessingOptions) {
    this.#options = options
  }

  /** To be called every few seconds. Resolves once what is due has been told; a call meanwhile does nothing. */
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
    const { inventory, announce, warn } = this.#options
    const due = this.#due()
    const news = due.filter(({ wait }) => !wait.logged)
    const why = notProcessed(inventory.settings.className)
    if (news.length > 0) warn({ outputs: news.length, example: news[0]?.output.name, why }, 'not processed')
    for (const { wait } of news) wait.logged = true
    for (const { output, binding, wait } of due) {
      const note = `ClusterSPIFFEID ${output.name}: ${why}`
      wait.said = await announce(binding, {
        type: 'Warning',
        reason: 'NotProcessed',
        note,
        about: output.uid,
      })
    }
  }

  /** Takes note of all that wait, forgets those that do so no more, and returns those to tell of. */
  #due() {
    const { inventory, now } = this.#options
    const waits = new Map<string, Wait>()
    const due: { readonly output: Output; readonly binding: Binding; readonly wait: Wait }[] = []
    for (const output of inventory.unprocessed()) {
      const wait = this.#waits.get(output.uid) ?? { since: now(), logged: false, said: false }
      waits.set(output.uid, wait)
      const binding = output.owner === undefined ? undefined : inventory.binding(output.owner)
      if (binding && !wait.said && now() - wait.since >= patienceMs) due.push({ output, binding, wait })
    }
    this.#waits = waits
    return due
  }
}
