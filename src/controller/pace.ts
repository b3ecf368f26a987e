import { sliceMs, type Turns } from '../core/slices.ts'

/** How many runs may be under way at once. */
export type Room = () => number

/**
 * Lets workers share one event loop with whatever else wants it. A run that finds nothing to do ends without having
 * waited for anything, so thousands of them would follow one another without a turn in between; all workers together
 * take one slice at a time.
 */
export class Pace {
  readonly #turns: Turns
  readonly #room: Room
  readonly #waiting: (() => void)[] = []
  #running = 0
  #until: number
  #turning: Promise<void> | undefined

  constructor(turns: Turns, room: Room) {
    this.#turns = turns
    this.#room = room
    this.#until = turns.now() + sliceMs
  }

  /** Resolves when a run may begin; `end` must follow. */
  async begin(): Promise<void> {
    while (this.#running >= Math.max(this.#room(), 1))
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running += 1
    while (this.#turns.now() >= this.#until) await (this.#turning ??= this.#turn())
  }

  /** As many may follow as there is room for, which may have grown. */
  end(): void {
    this.#running -= 1
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async #turn(): Promise<void> {
    await this.#turns.next()
    this.#until = this.#turns.now() + sliceMs
    this.#turning = undefined
  }
}
