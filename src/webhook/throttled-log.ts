/**
 * Limits a repeated message: the first occurrence is logged at once, later ones as a count at most once a minute, so
 * that nobody who reaches the port can fill the log.
 */
export class ThrottledLog {
  readonly #say: (count: number, client: string) => void
  readonly #now: () => number
  #count = 0
  #saidAt = Number.NEGATIVE_INFINITY

  /** `now` is monotonic, in ms. `count` counts the occurrences since the last message. */
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
