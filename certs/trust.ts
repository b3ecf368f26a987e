import { messageOf } from '../src/core/show.ts'
import type { Log } from '../src/log.ts'
import { refusalOf, type Expiry, type Source, type Trusted, type View } from './certificates.ts'
import { systemClock, type Clock } from './clock.ts'
import type { Names } from './inspect.ts'

export type Published =
  /** It was the caBundle of all that is registered already. */
  | { readonly kind: 'standing' }
  | { readonly kind: 'written' }
  /** Somebody changed what is registered since it was read. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly problem: string }

/** The webhook configurations as they were at one moment. */
export type Registered = {
  /** The caBundle of each webhook, empty where there is none. None at all if they could not be read. */
  readonly bundles: readonly string[]
  /** Writes a bundle where it is not there yet, and only over what was read. */
  readonly publish: (caBundle: string) => Promise<Published>
}

type TrustOptions = {
  readonly certificates: Source
  readonly registered: () => Promise<Registered>
  /** What the API server calls the webhook by. */
  readonly names: Names
  /** Serves new handshakes with a pair; the first time it starts to serve. */
  readonly use: (pair: Trusted['pair']) => Promise<void> | void
  /** Told at each look of what is served. */
  readonly observe?: (expires: Expiry) => void
  readonly log: Log
  readonly clock?: Clock
  /** How long after a failure it is tried again, in ms. */
  readonly retryMs?: number
}

/** However far away a renewal is, things are looked at this often. */
const longestMs = 60 * 60 * 1000

/** Between two looks, so that two who fight over a caBundle do so at a bearable pace. */
const pauseMs = 100

/**
 * Keeps what is served and what the API server trusts in step: whoever notices that something may have changed
 * calls `refresh`, and a timer does when a renewal is due.
 *
 * Each look reads the configurations, then the certificates, and then writes a bundle only over the configurations
 * that it has read. So they never go back to the bundle of an older Secret, however long a replica was held
 * up in between: who would do that read them before the newer bundle was written, and is overtaken.
 *
 * Serving comes before publishing: with failurePolicy Fail, what is registered and not served refuses every
 * change. That no leaf is served before its CA is trusted is seen to by the certificates, which name a leaf only once
 * its CA has been published (rotation.ts); only where nothing is served yet, or nothing good any more, do both
 * come at once.
 */
export class Trust {
  readonly #options: TrustOptions
  readonly #clock: Clock
  readonly #standing = new Standing()
  #cancel = (): void => {}
  #running: Promise<void> | undefined
  #again = false
  #stopped = false
  #served: (Trusted & { readonly expires: Expiry }) | undefined
  #problem: string | undefined = 'the certificates have not been published yet'
  #complaint = ''

  constructor(options: TrustOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Why the API server may not be able to call the webhook; undefined when what is served chains to the caBundle
   * of every webhook, as they were last seen. A look that fails makes no replica unready that was ready.
   */
  get problem(): string | undefined {
    const end = this.#served?.expires.webhook
    return end && end < this.#clock.date()
      ? `the served certificate expired at ${end.toISOString()}`
      : this.#problem
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
    this.#cancel()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      this.#cancel()
      const waitMs = await this.#look()
      this.#cancel = this.#clock.after(waitMs, () => this.refresh())
      await this.#pause()
    }
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#clock.after(pauseMs, resolve)
    return promise
  }

  async #look(): Promise<number> {
    const { certificates, registered, retryMs = 2000 } = this.#options
    try {
      const { bundles, publish } = await registered()
      const wanted = await certificates(this.#view(bundles))
      await this.#serve(wanted)
      const published = await publish(wanted.caBundle)
      switch (published.kind) {
        case 'overtaken':
          this.#again = true
          return retryMs
        case 'failed':
          this.#note(this.#distrust(bundles, published.problem))
          this.#complain(published.problem)
          return retryMs
        case 'standing':
        case 'written':
          this.#standing.saw(wanted, this.#clock.now(), published.kind === 'written')
          this.#note(this.#distrust([wanted.caBundle]))
          this.#complaint = ''
          return Math.min(Math.max(wanted.renewAt.getTime() - this.#clock.date().getTime(), 0), longestMs)
      }
    } catch (error) {
      const problem = messageOf(error)
      if (this.#problem !== undefined) this.#note(problem)
      this.#complain(problem)
      return retryMs
    }
  }

  #view(live: readonly string[]): View {
    return {
      live,
      served: this.#distrust(live) === undefined ? this.#served : undefined,
      standingMs: (trusted) =>
        live.every((caBundle) => caBundle === trusted.caBundle)
          ? this.#standing.forMs(trusted, this.#clock.now())
          : 0,
    }
  }

  async #serve({ pair, caBundle, expires }: Trusted & { readonly expires: Expiry }): Promise<void> {
    const { use, observe } = this.#options
    if (pair.cert !== this.#served?.pair.cert || pair.key !== this.#served.pair.key) await use(pair)
    this.#served = { pair, caBundle, expires }
    observe?.(expires)
  }

  /** Why what is served is not trusted by all of these. */
  #distrust(bundles: readonly string[], otherwise?: string): string | undefined {
    const served = this.#served
    if (!served || bundles.length === 0) return otherwise ?? 'nothing is served or registered yet'
    if (bundles.includes('')) return otherwise ?? 'a webhook has no caBundle'
    const asked = { names: this.#options.names, now: this.#clock.date() }
    const refusals = [...new Set(bundles)].map((caBundle) =>
      refusalOf({ pair: served.pair, caBundle }, asked),
    )
    const refusal = refusals.find((one) => one !== undefined)
    if (refusal === undefined) return undefined
    const why = otherwise === undefined ? '' : `; it could not be told to: ${otherwise}`
    return `the API server does not trust what is served: ${refusal}${why}`
  }

  #note(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    if (problem === undefined) this.#options.log.info({}, 'the webhook certificates are published')
    else this.#options.log.warn({ problem }, 'the webhook certificates are not published')
  }

  /** What goes on failing in the same way is said once. */
  #complain(problem: string): void {
    if (problem === this.#complaint || problem === this.#problem) return
    this.#complaint = problem
    this.#options.log.warn({ problem }, 'looking after the webhook certificates failed')
  }
}

/** For how long something has been seen, and nothing else. */
class Standing {
  #what = ''
  #since = 0

  saw(trusted: Trusted, now: number, isNew: boolean): void {
    if (!isNew && this.#what === keyOf(trusted)) return
    this.#what = keyOf(trusted)
    this.#since = now
  }

  forMs(trusted: Trusted, now: number): number {
    return this.#what === keyOf(trusted) ? now - this.#since : 0
  }
}

const keyOf = ({ pair, caBundle }: Trusted): string => `${pair.cert}${caBundle}`
