import type { Log } from '../src/log.ts'

/** Logs how the webhook is registered. A finding is logged when it changes, and not again while it stays the same. */
export class Notices {
  readonly #log: Log
  #problem: string | undefined = 'the certificates have not been published yet'
  #complaint = ''
  #missing: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** Why the API server may be unable to call the webhook, as last found; undefined if it can. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Which webhook configuration is not there, in words, as last found; undefined if both are. */
  get missing(): string | undefined {
    return this.#missing
  }

  noteProblem(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    if (problem === undefined) this.#log.info({}, 'the webhook certificates are published')
    else this.#log.warn({ problem }, 'the webhook certificates are not published')
  }

  /** A look at the configurations failed. Calls may come all the same: what was written before still stands. */
  noteFailure(problem: string): void {
    if (problem === this.#complaint || problem === this.#problem) return
    this.#complaint = problem
    this.#log.warn({ problem }, 'looking after the webhook certificates failed')
  }

  noteSuccess(): void {
    this.#complaint = ''
  }

  noteMissing(missing: string | undefined): void {
    if (missing === this.#missing) return
    this.#missing = missing
    if (missing === undefined) this.#log.info({}, 'both webhook configurations are there')
    else this.#log.warn({}, missing)
  }
}
