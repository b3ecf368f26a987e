import type { Clock } from '../core/clock.ts'
import { Delays } from './delays.ts'

type QueueOptions = { readonly clock: Pick<Clock, 'now' | 'after'> }

/**
 * Per key: 5 ms, doubled with each failure in a row, at most 60 s, so that a cause that has ended is noticed within a
 * minute.
 */
const backoff = { fromMs: 5, toMs: 60_000 }

/** The longest time that setTimeout takes. A timer that fires before a key is due is set again. */
const longestTimerMs = 2 ** 31 - 1

/**
 * client-go's work queue. A key is handed to one worker at a time; a key that is marked while it waits is handed out
 * once, and one that is marked while it runs is handed out again after `done`.
 *
 * A key that is put off is handed out once no other is ready. So a binding that somebody has just edited runs before the
 * thousands that one change of a pool or a CustomResourceDefinition concerns.
 *
 * Invariants: a key is in `ready` exactly if it is marked and not running; none is both marked and in `later`; `waiters`
 * is empty unless `ready` and `later` are.
 */
export class Queue<Key extends string> {
  readonly #clock: QueueOptions['clock']
  readonly #ready: Fifo<Key> = new Fifo()
  readonly #later = new Set<Key>()
  /** Keys that were added since they were last handed out. */
  readonly #marked = new Set<Key>()
  readonly #running = new Set<Key>()
  readonly #failures = new Map<Key, number>()
  readonly #waiters: Fifo<(key: Key | undefined) => void> = new Fifo()
  readonly #delays: Delays<Key> = new Delays()
  #timer: { readonly due: number; readonly cancel: () => void } | undefined
  #drained: PromiseWithResolvers<void> | undefined

  constructor({ clock }: QueueOptions) {
    this.#clock = clock
  }

  /** How many keys wait for a worker; not those that run, nor those whose time has not come. */
  get depth(): number {
    return this.#ready.size + this.#later.size
  }

  add(key: Key): void {
    if (this.#drained || this.#marked.has(key)) return
    this.#later.delete(key)
    this.#marked.add(key)
    if (!this.#running.has(key)) this.#offer(key)
  }

  /** Adds the key behind all others, those that come after it too. A key that runs is added as usual. */
  addLater(key: Key): void {
    if (this.#drained || this.#marked.has(key)) return
    if (this.#waiters.size > 0 || this.#running.has(key)) this.add(key)
    else this.#later.add(key)
  }

  /** Adds all whose time has not come. */
  hasten(): void {
    for (let key = this.#delays.take(Infinity); key !== undefined; key = this.#delays.take(Infinity))
      this.add(key)
  }

  /** If a key is added more than once, the earliest time counts. */
  addAfter(key: Key, ms: number): void {
    if (this.#drained) return
    if (ms <= 0) return this.add(key)
    this.#delays.set(key, this.#clock.now() + ms)
    this.#arm()
  }

  /** Adds the key after its own back-off, which `forget` resets, and within `withinMs` in any case. */
  retry(key: Key, withinMs = Infinity): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.addAfter(key, Math.min(backoff.fromMs * 2 ** failures, backoff.toMs, withinMs))
  }

  forget(key: Key): void {
    this.#failures.delete(key)
  }

  /** The next key, once there is one; `done` must follow. Undefined once the queue is shut down. */
  next(): Promise<Key | undefined> {
    if (this.#drained) return Promise.resolve(undefined)
    const key = this.#ready.shift() ?? this.#takeLater()
    if (key !== undefined) return Promise.resolve(this.#begin(key))
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  done(key: Key): void {
    if (!this.#running.delete(key)) return
    if (this.#drained) return this.#resolveWhenDrained(this.#drained)
    if (this.#marked.has(key)) this.#offer(key)
  }

  /**
   * Takes no more keys and hands out none; resolves when those that run are done. Keys that wait are dropped: whoever
   * leads next looks at everything anyway, and should not have to wait for this queue to be worked off.
   */
  shutdown(): Promise<void> {
    if (this.#drained) return this.#drained.promise
    this.#drained = Promise.withResolvers()
    this.#timer?.cancel()
    this.#ready.clear()
    this.#later.clear()
    this.#delays.clear()
    for (let wake = this.#waiters.shift(); wake; wake = this.#waiters.shift()) wake(undefined)
    this.#resolveWhenDrained(this.#drained)
    return this.#drained.promise
  }

  #takeLater(): Key | undefined {
    const [key] = this.#later
    if (key !== undefined) this.#later.delete(key)
    return key
  }

  #offer(key: Key): void {
    const wake = this.#waiters.shift()
    if (wake) wake(this.#begin(key))
    else this.#ready.push(key)
  }

  #begin(key: Key): Key {
    this.#marked.delete(key)
    this.#running.add(key)
    return key
  }

  #resolveWhenDrained({ resolve }: PromiseWithResolvers<void>): void {
    if (this.#running.size === 0) resolve()
  }

  /** One timer, for the earliest key. */
  #arm(): void {
    const due = this.#delays.earliest()
    if (due === undefined || (this.#timer && this.#timer.due <= due)) return
    this.#timer?.cancel()
    const ms = Math.min(Math.max(0, due - this.#clock.now()), longestTimerMs)
    this.#timer = { due, cancel: this.#clock.after(ms, () => this.#release()) }
  }

  #release(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    for (let key = this.#delays.take(now); key !== undefined; key = this.#delays.take(now)) this.add(key)
    this.#arm()
  }
}

/**
 * First in, first out. Array.shift copies the whole array, so entries that were taken are cut off only now and then.
 */
class Fifo<T> {
  #items: T[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.#items[this.#head]
    this.#head += 1
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
