import type { Log } from '../src/log.ts'
import type { Certificates } from './store.ts'

type TrustOptions = {
  /** The certificates as they should be now. Throws when that can't be told. */
  readonly certificates: () => Promise<Certificates>
  /** Makes the API server trust a bundle; resolves to what is in the way of that, if anything. */
  readonly publish: (caBundle: string) => Promise<string | undefined>
  /** Serves new handshakes with a pair; the first time it starts to serve. */
  readonly use: (pair: Certificates['pair']) => Promise<void> | void
  readonly log: Log
  /** How long after a failure it is tried again, in ms. */
  readonly retryMs?: number
}

/** However far away a renewal is, things are looked at this often. */
const longestMs = 60 * 60 * 1000

/**
 * Keeps what is served and what the API server trusts in step: whoever notices that something may have changed
 * calls `refresh`, and a timer does when a renewal is due.
 */
export class Trust {
  readonly #options: TrustOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #again = false
  #stopped = false
  #problem: string | undefined = 'the certificates have not been published yet'

  constructor(options: TrustOptions) {
    this.#options = options
  }

  /** Why the API server may not be able to call the webhook; undefined when it can. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Looks at everything anew. One look at a time: a call during one is followed by exactly one more. */
  refresh(): void {
    if (this.#stopped) return
    this.#again = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      const waitMs = await this.#look()
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.refresh(), waitMs).unref()
    }
  }

  async #look(): Promise<number> {
    const { certificates, publish, use, log, retryMs = 2000 } = this.#options
    try {
      const { pair, caBundle, renewAt } = await certificates()
      // Nothing is registered that is not served yet: with failurePolicy Fail that would refuse every change.
      await use(pair)
      const problem = await publish(caBundle)
      this.#note(problem)
      if (problem !== undefined) return retryMs
      return Math.min(Math.max(renewAt.getTime() - Date.now(), retryMs), longestMs)
    } catch (error) {
      this.#note(error instanceof Error ? error.message : String(error))
      log.debug({ err: error }, 'looking after the webhook certificates failed')
      return retryMs
    }
  }

  #note(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    if (problem === undefined) this.#options.log.info({}, 'the webhook certificates are published')
    else this.#options.log.warn({ problem }, 'the webhook certificates are not published')
  }
}
