/**
 * Says the first of many things of one kind at once, and of those that follow how many there were, at most once a
 * minute: whoever reaches the port must not be able to fill the log.
 */
export class Seldom {
  readonly #say: (count: number, client: string) => void
  readonly #now: () => number
  #count = 0
  #saidAt = Number.NEGATIVE_INFINITY

  /** `now` is monotonic, in ms. `count` is of those since it was last said. */
  constructor(say: (count: number, client: string) => void, now: () => number) {
    this.#say = say
    this.#now = now
  }

  happened(client: string): void {
    this.#count += 1
    const now = this.#now()
    if (now - this.#saidAt < everyMs) return
    this.#say(this.#count, client)
    this.#saidAt = now
    this.#count = 0
  }
}

const everyMs = 60_000
