import type { Binding, BindingKey } from '../core/binding.ts'
import { retryingReason } from '../core/conditions.ts'
import type { Log } from '../log.ts'
import type { Announcer } from './announcer.ts'
import type { RunResult } from './run-result.ts'
import type { Statuses } from './statuses.ts'
import { Troubles, type Trouble } from './troubles.ts'

type TroubleReportsOptions = {
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly binding: (key: BindingKey) => Binding | undefined
  readonly announcer: Announcer
  readonly statuses: Statuses
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** Causes of waits begin with this; the rest of such a cause names bindings. */
const waiting = 'waiting for '

/**
 * Reports keys that have not succeeded for a while: in the log, in an Event, and in the status if that says nothing
 * yet.
 */
export class TroubleReports {
  readonly #options: TroubleReportsOptions
  readonly #troubles: Troubles<BindingKey>
  /** The cause that was logged last for each key. Its Event or status may still be unwritten. */
  readonly #logged = new Map<BindingKey, string>()

  constructor(options: TroubleReportsOptions) {
    this.#options = options
    this.#troubles = new Troubles(options.now)
  }

  /** Runs one reconciliation of a key, and reports its result if that is due. */
  async run(key: BindingKey, reconcile: () => Promise<RunResult>): Promise<RunResult> {
    const began = this.#options.now()
    const result = await reconcile()
    switch (result.kind) {
      case 'settled':
        this.#end(key)
        return result
      case 'wait':
        if (!result.endsSoon)
          await this.#note(key, began, { words: result.why, cause: `${waiting}${result.why}` })
        return result
      case 'retry': {
        if (result.isInStatus) {
          this.#end(key)
          return result
        }
        const withinMs = await this.#note(key, began, { words: result.why, cause: result.cause })
        return { ...result, withinMs }
      }
    }
  }

  /**
   * The reported causes that still last, with counts. Names of bindings are left out, because everybody who may read
   * the operator's health sees this text.
   */
  words(): string | undefined {
    const causes = this.#troubles
      .lasting()
      .map((cause) => (cause.startsWith(waiting) ? 'something else that must happen first' : cause))
    if (causes.length === 0) return undefined
    const counts = [...Map.groupBy(causes, (cause) => cause)].map(
      ([cause, { length }]) => `${length}: ${cause}`,
    )
    return `bindings for which what is to be done does not succeed: ${counts.toSorted().join('; ')}; their events ${retryingReason} say more`
  }

  #end(key: BindingKey): void {
    this.#logged.delete(key)
    const ms = this.#troubles.over(key)
    if (ms !== undefined)
      this.#options.log.info({ binding: key, seconds: Math.round(ms / 1000) }, 'it succeeded in the end')
  }

  async #note(key: BindingKey, began: number, trouble: Trouble): Promise<number | undefined> {
    const { due, withinMs } = this.#troubles.note(key, began, trouble)
    if (due !== undefined && (await this.#report(key, trouble, due))) this.#troubles.reported(key, trouble)
    return withinMs
  }

  async #report(key: BindingKey, { words, cause }: Trouble, occasion: string): Promise<boolean> {
    const { binding: find, announcer, statuses, log } = this.#options
    if (this.#logged.get(key) !== cause) log.warn({ binding: key, why: words }, 'retrying')
    this.#logged.set(key, cause)
    const binding = find(key)
    if (!binding) return true
    const news = { type: 'Warning', reason: retryingReason, note: words, about: occasion } as const
    const unposted =
      (await announcer.postOnce(binding, [news])) ?? (await statuses.recordRetrying(binding, words))
    return unposted === undefined
  }
}
