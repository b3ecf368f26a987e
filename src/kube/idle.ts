import type { Clock } from './clock.ts'

export type Silence = {
  /** After so much silence `nudge` is called, once until something is heard again; never if that is not sooner. */
  readonly nudgeMs: number
  readonly nudge: () => void
  /** After so much `signal` aborts: a dead peer sends no reset. */
  readonly endMs: number
}

/** Watches over a connection on which something should be heard now and then. */
export class IdleTimer implements Disposable {
  readonly #silence = new AbortController()
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #limits: Silence
  #cancel: () => void = () => {}

  constructor(clock: Clock, limits: Silence, stop: AbortSignal) {
    this.#clock = clock
    this.#limits = limits
    this.signal = AbortSignal.any([stop, this.#silence.signal])
    this.heard()
  }

  /** Whether it was silence that ended it. */
  get isSilent(): boolean {
    return this.#silence.signal.aborted
  }

  heard(): void {
    const { nudgeMs, nudge, endMs } = this.#limits
    this.#cancel()
    if (nudgeMs >= endMs) return this.#endAfter(endMs)
    this.#cancel = this.#clock.after(nudgeMs, () => {
      nudge()
      this.#endAfter(endMs - nudgeMs)
    })
  }

  #endAfter(ms: number): void {
    this.#cancel = this.#clock.after(ms, () =>
      this.#silence.abort(new Error(`nothing was heard for ${this.#limits.endMs / 1000} s`)),
    )
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }
}
