const secondMs = 1000

/**
 * After ten minutes without a removal the count begins anew: somebody who removes a caBundle once a day is no rival.
 */
const calmMs = 600 * secondMs

/**
 * Calls of the webhook may fail during a pause, so that it must stay short; a minute is one write a minute for API
 * servers.
 */
const longestPauseMs = 60 * secondMs

/**
 * Counts how often somebody has removed what the operator wrote, and says how long to wait before the operator writes it
 * again: not at all the first time, then 1 s, 2 s, 4 s and so on, at most 60 s. Without the pauses two writers that undo each
 * other would make every API server read the webhook configurations anew all the time.
 */
export class Contention {
  #times = 0
  #last = Number.NEGATIVE_INFINITY
  #resumeAt = 0
  #isPending = false

  /**
   * To be called whenever the removal is noticed, also while a pause lasts. Returns how many ms are left to wait; 0
   * means write now.
   */
  noteRemoval(now: number): number {
    if (!this.#isPending) {
      if (now - this.#last > calmMs) this.#times = 0
      this.#times += 1
      this.#last = now
      this.#isPending = true
      this.#resumeAt = now + pauseMs(this.#times)
    }
    return Math.max(this.#resumeAt - now, 0)
  }

  /** To be called when what was written is in place again, whoever wrote it. */
  noteInPlace(): void {
    this.#isPending = false
  }

  /** How many removals there were, without ten calm minutes in between. */
  times(now: number): number {
    return now - this.#last > calmMs ? 0 : this.#times
  }
}

const pauseMs = (times: number): number =>
  times === 1 ? 0 : Math.min(2 ** (times - 2) * secondMs, longestPauseMs)
