import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/show.ts'
import { inSlices } from '../core/slices.ts'
import { backoffMs, waitMs } from './backoff.ts'
import { failureWords, type Lost, type Query, type Refused, resourcePath } from './client.ts'
import { sleep, systemClock, systemTurns } from './clock.ts'
import { IdleTimer } from './idle.ts'
import { Ledger, type ListedObject } from './ledger.ts'
import { listPages } from './listing.ts'
import { type Log, silent } from './log.ts'
import { decodeObject, type KubeObject } from './object.ts'
import { type ReflectorOptions, type Timings, usualTimings } from './reflector-options.ts'
import { decodeWatchEvent } from './watch-event.ts'

export type { Handler, RemovedObject } from './ledger.ts'
export type { KubeObject } from './object.ts'
export type { ReflectorOptions } from './reflector-options.ts'

/** How a list or a watch ended. */
type Ending =
  | { readonly kind: 'current'; readonly version: string | undefined }
  | { readonly kind: 'expired' }
  /** Nothing was heard, which may be because there was nothing to say. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number | undefined }

/**
 * Keeps a handler informed of one kind: list, watch, resume, and list again, for as long as it is not stopped. No
 * answer of the API server, and nothing that a handler does, ends the loop.
 */
export class Reflector {
  readonly #options: ReflectorOptions
  readonly #timings: Timings
  readonly #clock: Clock
  readonly #random: () => number
  readonly #log: Log
  readonly #path: string
  readonly #ledger: Ledger
  /** Ends what is under way: a list, a watch or a wait. */
  #cut = new AbortController()
  #stopped = false
  #beginsAnew = false
  #isInDoubt = false
  #running: Promise<void> | undefined
  #version: string | undefined
  #failures = 0
  #waitedMs = 0
  #complaint = ''
  #complainedAt = Number.NEGATIVE_INFINITY
  #synced = false
  #silent = false
  #lastContact = Number.NEGATIVE_INFINITY
  #restarts = 0

  constructor(options: ReflectorOptions) {
    this.#options = options
    this.#timings = { ...usualTimings, ...options.timings }
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#log = options.log ?? silent
    this.#path = resourcePath(options.resource, { namespace: options.namespace })
    this.#ledger = new Ledger(options.handler, this.#log)
  }

  /** Whether the handler has been told of a complete list. */
  get synced(): boolean {
    return this.#synced
  }

  /**
   * When the handler was last known to be up to date, by the clock's `now`: a complete list, an event, a bookmark.
   * That a watch was opened proves nothing: what it would have said may have been lost.
   */
  get lastContact(): number {
    return this.#lastContact
  }

  /** Whether the handler may have been told of objects as a former schema shows them: `beginAnew` was called since the last complete list. */
  get isInDoubt(): boolean {
    return this.#isInDoubt
  }

  /** How often a list or a watch ended in another way than it should. */
  get restarts(): number {
    return this.#restarts
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /**
   * Lists at once, whatever is under way, and tells the handler of all there is: the kind has another schema, by which the
   * same version reads differently, or its CustomResourceDefinition is another one, and what was watched is gone with the
   * former. Until the list is complete what was known stays.
   */
  beginAnew(): void {
    this.#beginsAnew = true
    this.#isInDoubt = true
    this.#cut.abort(new Error('the kind is another one'))
  }

  /** `forget` also reports all that is known as removed: for a kind that is gone itself. */
  async stop({ forget = false }: { readonly forget?: boolean } = {}): Promise<void> {
    this.#stopped = true
    this.#cut.abort()
    await this.#running
    if (forget) {
      this.#synced = false
      await inSlices(this.#ledger.clearing(), systemTurns)
    }
    this.#ledger.ended()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#beginsAnew) this.#forgetWhereItWas()
      const { signal } = this.#cut
      const ending = await this.#listOrWatch(signal).catch(asFailure)
      if (!signal.aborted) await sleep(this.#clock, this.#noteEnding(ending), signal)
    }
  }

  #forgetWhereItWas(): void {
    this.#cut = new AbortController()
    this.#beginsAnew = false
    this.#version = undefined
    this.#failures = 0
    this.#silent = false
    this.#ledger.doubt()
  }

  /** Takes note of an ending and says how long to wait before going on. */
  #noteEnding(ending: Ending): number {
    if (ending.kind === 'current') {
      this.#version = ending.version
      return 0
    }
    if (ending.kind === 'silent') {
      this.#version = undefined
      this.#silent = true
      return 0
    }
    this.#restarts += 1
    this.#failures += 1
    if (ending.kind === 'expired') {
      this.#version = undefined
      this.#log.debug({ path: this.#path }, 'the watched version has expired, listing again')
      return this.#failures === 1 ? 0 : this.#backoff()
    }
    const fresh = this.#clock.now() - this.#lastContact < this.#timings.resumeWithinMs
    if (!fresh) this.#version = undefined
    this.#complain(ending.why)
    this.#waitedMs = waitMs(this.#backoff(), ending.retryAfterMs)
    return this.#waitedMs
  }

  #listOrWatch(cut: AbortSignal): Promise<Ending> {
    return this.#version === undefined ? this.#list(cut) : this.#watch(this.#version, cut)
  }

  async #list(signal: AbortSignal): Promise<Ending> {
    const listed = new Map<string, ListedObject>()
    const asked = this.#clock.now()
    const answer = await listPages({
      client: this.#options.client,
      path: this.#path,
      query: this.#selectors(),
      pageSize: this.#timings.pageSize,
      signal,
      take: (item) => this.#take(listed, item),
    })
    if (answer.kind !== 'complete') return endingOf(answer)
    return this.#replaced(
      await inSlices(this.#ledger.replacing(listed), systemTurns, signal),
      answer.version,
      asked,
    )
  }

  #take(listed: Map<string, ListedObject>, item: unknown): void {
    const object = decodeObject(item)
    if (!object) return this.#log.error({ path: this.#path }, 'a listed object has no name, uid or version')
    const kept = this.#reduce(object)
    if (kept) listed.set(...this.#ledger.listed(kept))
  }

  #replaced(news: number, version: string, asked: number): Ending {
    this.#lastContact = asked
    if (!this.#beginsAnew) this.#isInDoubt = false
    if (this.#silent && news > 0) {
      this.#restarts += 1
      this.#log.warn({ path: this.#path, news }, 'a watch had fallen silent, and is replaced')
    }
    this.#silent = false
    if (!this.#synced) {
      this.#synced = true
      this.#ledger.synced()
    }
    return { kind: 'current', version }
  }

  async #watch(from: string, cut: AbortSignal): Promise<Ending> {
    const opened = this.#clock.now()
    using idle = this.#idleTimer(cut)
    const answer = await this.#options.client.watch(this.#path, this.#watchQuery(from), idle.signal)
    if (answer.kind !== 'open') return endingOf(answer)
    let events = 0
    try {
      for await (const line of answer.events) {
        idle.heard()
        const ending = this.#event(line)
        if (ending) return ending
        events += 1
      }
    } catch (error) {
      if (idle.isSilent) return { kind: 'silent' }
      // The watch was open for longer than the last back-off, so it counts as a success although no event came. Otherwise
      // the back-off of a kind on which nothing happens would grow with each outage, and its objects would be known later
      // than those of other kinds.
      if (this.#clock.now() - opened >= this.#waitedMs) this.#failures = 0
      return { kind: 'failed', why: String(idle.signal.reason ?? error) }
    }
    const isClosedAtOnce = events === 0 && this.#clock.now() - opened < this.#timings.shortWatchMs
    if (isClosedAtOnce) return { kind: 'failed', why: 'the watch was closed as soon as it was opened' }
    this.#recovered()
    // Watches that end cleanly one after another, all without a word, must not go on for ever.
    const isSilent = this.#clock.now() - this.#lastContact > this.#timings.idleMs
    return { kind: 'current', version: isSilent ? undefined : (this.#version ?? from) }
  }

  #idleTimer(cut: AbortSignal): IdleTimer {
    const { nudgeMs, idleMs } = this.#timings
    const query = { ...this.#selectors(), limit: '1' }
    // Its answer is not used: the bookmark that it brings about is heard on the watch.
    const nudge = (): void =>
      void this.#options.client.call({ method: 'GET', path: this.#path, query, signal: timer.signal })
    const timer = new IdleTimer(this.#clock, { nudgeMs, nudge, endMs: idleMs }, cut)
    return timer
  }

  /** Undefined to go on. */
  #event(line: unknown): Ending | undefined {
    const event = decodeWatchEvent(line)
    switch (event.kind) {
      case 'error':
        return endingOf(event.refused)
      case 'unreadable':
        this.#log.error({ path: this.#path }, 'a watch sent something that is no event')
        return undefined
      case 'upserted': {
        const kept = this.#reduce(event.object)
        if (kept) this.#ledger.upsert(kept)
        else this.#ledger.remove(event.object)
        break
      }
      case 'removed':
        this.#ledger.remove(event.object)
        break
      case 'bookmark':
        break
    }
    this.#version = event.version
    this.#lastContact = this.#clock.now()
    this.#recovered()
    return undefined
  }

  #reduce(object: KubeObject): KubeObject | undefined {
    return this.#options.reduce ? this.#options.reduce(object) : object
  }

  #selectors(): Query {
    const { labelSelector, fieldSelector } = this.#options
    return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
  }

  #watchQuery(resourceVersion: string): Query {
    const { from, to } = this.#timings.watchSeconds
    const timeoutSeconds = String(Math.round(from + this.#random() * (to - from)))
    return { ...this.#selectors(), resourceVersion, timeoutSeconds, allowWatchBookmarks: 'true' }
  }

  #backoff(): number {
    return backoffMs(this.#timings.backoff, this.#failures, this.#random)
  }

  /** A failure that goes on is logged again after a while, for somebody who reads the log only then. */
  #complain(why: string): void {
    const now = this.#clock.now()
    const isNews = why !== this.#complaint || now - this.#complainedAt >= this.#timings.complainEveryMs
    const level = isNews ? 'warn' : 'debug'
    if (isNews) this.#complainedAt = now
    this.#complaint = why
    this.#log[level](
      { path: this.#path, why, failures: this.#failures },
      'listing or watching failed, trying again',
    )
  }

  /** Only what a watch brings shows that all is well: a list that succeeds may be followed by failing watches. */
  #recovered(): void {
    this.#failures = 0
    if (this.#complaint !== '') this.#log.info({ path: this.#path }, 'watching again')
    this.#complaint = ''
  }
}

const asFailure = (error: unknown): Ending => ({
  kind: 'failed',
  why: messageOf(error),
})

function endingOf(answer: Refused | Lost): Ending {
  if (answer.kind === 'refused' && answer.code === 410) return { kind: 'expired' }
  const retryAfterMs = answer.kind === 'refused' ? answer.retryAfterMs : undefined
  return { kind: 'failed', why: failureWords(answer), retryAfterMs }
}
