/** Lets so many jobs run at once; the others wait, the one that came first in front. */
export class Semaphore {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /**
   * Resolves to the job's result, or to undefined once the signal aborts. A job that waits then never begins; one that has
   * begun goes on and keeps its place until it ends.
   */
  pass<T>(job: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
    const begin = (): void => {
      this.#free -= 1
      void Promise.try(job)
        .then(resolve, reject)
        .finally(() => this.#next())
    }
    const giveUp = (): void => {
      this.#waiting.delete(begin)
      resolve(undefined)
    }
    if (signal.aborted) return Promise.resolve(undefined)
    signal.addEventListener('abort', giveUp, { once: true })
    if (this.#free > 0) begin()
    else this.#waiting.add(begin)
    return promise
  }

  #next(): void {
    this.#free += 1
    for (const begin of this.#waiting.values().take(1)) {
      this.#waiting.delete(begin)
      begin()
    }
  }
}
