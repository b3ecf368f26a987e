import type { Clock } from '../core/clock.ts'

export type Silence = {
  /**
   * After so many ms of silence `nudge` is called, once until something is heard again. Not called at all unless
   * `nudgeMs` is below `endMs`.
   */
  readonly nudgeMs: number
  readonly nudge: () => void
  /** After so many ms of silence `signal` aborts: a peer that is gone sends nothing, not even a reset. */
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

  /** Whether `signal` aborted because of silence, and not because of `stop`. */
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
