import type { Clock } from '../src/core/clock.ts'
import { messageOf } from '../src/core/show.ts'
import type { Log } from '../src/log.ts'
import { distrustOf, problemOf, type Served } from './call-problems.ts'
import type { Expiry, Source, Trusted, View } from './certificates.ts'
import { systemClock } from './clock.ts'
import { Contention } from './contention.ts'
import type { Names } from './inspect.ts'
import { Notices } from './notices.ts'
import type { WebhookConfigurations, Registration } from './registration.ts'
import { Standing } from './standing.ts'
import type { Tokens, TokenSource, TokenView } from './token.ts'

type TrustOptions = {
  readonly certificates: Source
  readonly tokens: TokenSource
  /** Throws where the configurations could not be read. */
  readonly registered: () => Promise<WebhookConfigurations>
  /** What the API server calls the webhook by. */
  readonly names: Names
  /** Calls by these tokens are to be served from now on, and no others. */
  readonly accept: (tokens: readonly string[]) => void
  /** Serves new handshakes with a pair; the first time it starts to serve. */
  readonly use: (pair: Trusted['pair']) => Promise<void> | void
  /** Told at each look of what is served. */
  readonly observe?: (expires: Expiry) => void
  readonly log: Log
  readonly clock?: Clock
  /** How long after a failed look the next one comes, in ms. 2 s unless set: calls may fail meanwhile. */
  readonly retryMs?: number
}

/**
 * Things are looked at once an hour, however far away the next renewal is: no timer of Node waits for months,
 * and a look also finds what a watch has missed.
 */
const longestMs = 60 * 60 * 1000

/** The least time between two looks. Watches report every write, ours included, and several at once need one look. */
const pauseMs = 100

/** How many tokens that others were shown are remembered. One is of use for as long as a Secret names it, and a Secret names three. */
const rememberedShown = 16

/**
 * Keeps two things in step: what this replica serves, and how the API server calls it, which is the caBundle and the token in
 * the path of each webhook configuration. Whoever notices that one of them may have changed calls `refresh`; a timer calls it when a
 * renewal is due.
 *
 * One look does this, in this order:
 *
 *     read the configurations → read certificates and tokens → serve them → write the configurations
 *
 * Two invariants hold. A configuration never goes back to what an older Secret says, however long a replica was held up between
 * reading and writing: a write goes only over the configuration that was read, and a newer write makes it fail (`overtaken`).
 * And nothing is registered that is not served: serving comes before writing, since with failurePolicy Fail the API server
 * would refuse every change.
 *
 * That a leaf is served only after its CA is trusted, and that a token is called by only after every replica accepts it, is up to
 * the Secret, which names each of them only when that is so (rotation.ts, token.ts). Only a replica that serves nothing yet, or
 * nothing good any more, serves and registers at once.
 */
export class Trust {
  readonly #options: TrustOptions
  readonly #clock: Clock
  readonly #certificatesStand = new Standing()
  readonly #tokensStand = new Standing()
  readonly #contention = new Contention()
  readonly #shown = new Set<string>()
  readonly #notices: Notices
  #cancel = (): void => {}
  #running: Promise<void> | undefined
  #again = false
  #stopped = false
  #served: (Served & { readonly expires: Expiry }) | undefined
  #published: Registration | undefined

  constructor(options: TrustOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#notices = new Notices(options.log)
  }

  /**
   * Why the API server may not be able to call the webhook; undefined when what is served is trusted and called as it
   * should be by all that is registered, as that was last seen. A look that fails makes no replica unready that was
   * ready.
   */
  get problem(): string | undefined {
    const end = this.#served?.expires.webhook
    return end && end < this.#clock.date()
      ? `the served certificate expired at ${end.toISOString()}`
      : this.#notices.problem
  }

  /** What somebody should see to, though calls may well come: a configuration that is missing, or one fought over. */
  get remark(): string | undefined {
    const times = this.#contention.times(this.#clock.now())
    return this.#notices.missing ?? (times > 1 ? takenAway(times) : undefined)
  }

  /** Looks at everything anew. One look at a time: a call during one is followed by exactly one more. */
  refresh(): void {
    if (this.#stopped) return
    this.#again = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Has a token replaced that others were shown. */
  replaceToken(shown: string): void {
    this.#shown.add(shown)
    if (this.#shown.size > rememberedShown)
      for (const oldest of this.#shown.values().take(1)) this.#shown.delete(oldest)
    this.refresh()
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
    const { certificates, tokens, registered, retryMs = 2000 } = this.#options
    try {
      const found = await registered()
      this.#notices.noteMissing(found.missing)
      const wanted = await certificates(this.#view(found.webhooks))
      const keys = await tokens(this.#tokenView(found.webhooks))
      await this.#serve(wanted, keys, found.webhooks)
      const registration = { caBundle: wanted.caBundle, token: keys.current }
      const waitMs = this.#yield(found.webhooks, registration)
      if (waitMs > 0) return waitMs
      const published = await found.publish(registration)
      switch (published.kind) {
        case 'overtaken':
          this.#again = true
          return retryMs
        case 'failed':
          this.#notices.noteProblem(
            problemOf(this.#served, found.webhooks, this.#callContext(published.problem)),
          )
          this.#notices.noteFailure(published.problem)
          return retryMs
        case 'standing':
        case 'written': {
          const [now, isNew] = [this.#clock.now(), published.kind === 'written']
          this.#published = registration
          this.#contention.noteInPlace()
          this.#certificatesStand.saw(keyOf(wanted), now, isNew)
          this.#tokensStand.saw(tokensKeyOf(keys), now, isNew)
          this.#notices.noteProblem(problemOf(this.#served, [registration], this.#callContext()))
          this.#notices.noteSuccess()
          const due = Math.min(wanted.renewAt.getTime(), keys.renewAt.getTime())
          return Math.min(Math.max(due - this.#clock.date().getTime(), 0), longestMs)
        }
      }
    } catch (error) {
      const problem = messageOf(error)
      if (this.#notices.problem !== undefined) this.#notices.noteProblem(problem)
      this.#notices.noteFailure(problem)
      return retryMs
    }
  }

  #view(live: readonly Registration[]): View {
    const bundles = live.map(({ caBundle }) => caBundle)
    return {
      live: bundles,
      served: distrustOf(this.#served, bundles, this.#callContext()) === undefined ? this.#served : undefined,
      standingMs: (trusted) =>
        bundles.every((caBundle) => caBundle === trusted.caBundle)
          ? this.#certificatesStand.forMs(keyOf(trusted), this.#clock.now())
          : 0,
    }
  }

  #tokenView(live: readonly Registration[]): TokenView {
    return {
      live: live.map(({ token }) => token),
      accepted: this.#served?.accepted ?? [],
      shown: this.#shown,
      standingMs: (tokens) =>
        live.every(({ token }) => token === tokens.current)
          ? this.#tokensStand.forMs(tokensKeyOf(tokens), this.#clock.now())
          : 0,
    }
  }

  async #serve(
    { pair, caBundle, expires }: Trusted & { readonly expires: Expiry },
    { current, next, previous }: Tokens,
    live: readonly Registration[],
  ): Promise<void> {
    const { accept, use, observe } = this.#options
    // Whatever the Secret says, a token that was accepted stays so for as long as a configuration still carries it.
    const stillLive = this.#served?.accepted.filter((one) => live.some(({ token }) => token === one)) ?? []
    const accepted = [...new Set([current, next ?? current, previous ?? current, ...stillLive])]
    accept(accepted)
    if (pair.cert !== this.#served?.pair.cert || pair.key !== this.#served.pair.key) await use(pair)
    this.#served = { pair, caBundle, expires, accepted }
    observe?.(expires)
  }

  /** How long to leave it to somebody who takes away what we have written; 0 to write. */
  #yield(live: readonly Registration[], wanted: Registration): number {
    const { log } = this.#options
    const isTaken = isSame(this.#published, wanted) && live.some((one) => !isSame(one, wanted))
    if (!isTaken) return 0
    const now = this.#clock.now()
    const before = this.#contention.times(now)
    const waitMs = this.#contention.noteRemoval(now)
    const times = this.#contention.times(now)
    if (times !== before)
      log.warn({ times, pauseMs: waitMs }, `${takenAway(times)}, it is written again after the pause`)
    return waitMs
  }

  #callContext(writeProblem?: string) {
    return { names: this.#options.names, now: this.#clock.date(), writeProblem }
  }
}

const keyOf = ({ pair, caBundle }: Trusted): string => `${pair.cert}${caBundle}`

const tokensKeyOf = ({ current, next = '', previous = '' }: Tokens): string =>
  `${current},${next},${previous}`

const isSame = (one: Registration | undefined, other: Registration): boolean =>
  one?.caBundle === other.caBundle && one.token === other.token

const takenAway = (times: number): string =>
  `the caBundle or the path that the operator writes into the webhook configurations was taken away ${times} times in ten minutes`
