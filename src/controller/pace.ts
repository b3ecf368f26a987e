import { sliceMs, type Turns } from '../core/slices.ts'

/**
 * Lets workers share one event loop with whatever else wants it. A run that finds nothing to do ends without having
 * waited for anything, so thousands of them would follow one another without a turn in between; all workers together
 * take one slice at a time.
 */
export class Pace {
  readonly #turns: Turns
  #until: number
  #turning: Promise<void> | undefined

  constructor(turns: Turns) {
    this.#turns = turns
    this.#until = turns.now() + sliceMs
  }

  /** What a run has to wait for; undefined if it may begin at once. To be asked right before it, and again after each wait. */
  wait(): Promise<void> | undefined {
    if (this.#turns.now() < this.#until) return undefined
    return (this.#turning ??= this.#turn())
  }

  async #turn(): Promise<void> {
    await this.#turns.next()
    this.#until = this.#turns.now() + sliceMs
    this.#turning = undefined
  }
}
