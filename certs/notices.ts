import type { Log } from '../src/log.ts'

/** What is to be said of how the webhook is registered: each thing when it changes, and not again while it lasts. */
export class Notices {
  readonly #log: Log
  #problem: string | undefined = 'the certificates have not been published yet'
  #complaint = ''
  #missing: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** Why calls may not come, as it was last found. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** What of the registration is not there, as it was last found. */
  get missing(): string | undefined {
    return this.#missing
  }

  found(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    if (problem === undefined) this.#log.info({}, 'the webhook certificates are published')
    else this.#log.warn({ problem }, 'the webhook certificates are not published')
  }

  /** Something failed, whatever that means for calls. */
  failed(problem: string): void {
    if (problem === this.#complaint || problem === this.#problem) return
    this.#complaint = problem
    this.#log.warn({ problem }, 'looking after the webhook certificates failed')
  }

  succeeded(): void {
    this.#complaint = ''
  }

  misses(missing: string | undefined): void {
    if (missing === this.#missing) return
    this.#missing = missing
    if (missing === undefined) this.#log.info({}, 'both webhook configurations are there')
    else this.#log.warn({}, missing)
  }
}
