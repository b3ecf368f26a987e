import type { Clock } from './clock.ts'

/** Aborts `signal` when nothing was heard for `ms`: a dead peer sends no reset. */
export class IdleTimer implements Disposable {
  readonly #silence = new AbortController()
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #ms: number
  #cancel: () => void = () => {}

  constructor(clock: Clock, ms: number, stop: AbortSignal) {
    this.#clock = clock
    this.#ms = ms
    this.signal = AbortSignal.any([stop, this.#silence.signal])
    this.heard()
  }

  heard(): void {
    this.#cancel()
    this.#cancel = this.#clock.after(this.#ms, () =>
      this.#silence.abort(new Error(`nothing was heard for ${this.#ms / 1000} s`)),
    )
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }
}
