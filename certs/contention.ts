const secondMs = 1000

/** What has stood for this long is forgotten: who takes something away once a day is no rival. */
const calmMs = 600 * secondMs
const longestPauseMs = 60 * secondMs

/**
 * How often something that was written has been taken away again, and so how long to wait before it is written once
 * more: the first time not at all, then 1 s, 2 s, 4 s and so on, at most 60 s. Two who write at once, without end,
 * would make the API servers read the webhook configurations anew all the time.
 */
export class Contention {
  #times = 0
  #last = Number.NEGATIVE_INFINITY
  #resumeAt = 0
  #isPending = false

  /** That it is gone was noticed, for the first time or while it waits. Returns how many ms to wait; 0 to write. */
  taken(now: number): number {
    if (!this.#isPending) {
      if (now - this.#last > calmMs) this.#times = 0
      this.#times += 1
      this.#last = now
      this.#isPending = true
      this.#resumeAt = now + pauseMs(this.#times)
    }
    return Math.max(this.#resumeAt - now, 0)
  }

  /** It is there again, whoever wrote it. */
  stands(): void {
    this.#isPending = false
  }

  /** How often it was taken away lately. */
  times(now: number): number {
    return now - this.#last > calmMs ? 0 : this.#times
  }
}

const pauseMs = (times: number): number =>
  times === 1 ? 0 : Math.min(2 ** (times - 2) * secondMs, longestPauseMs)
