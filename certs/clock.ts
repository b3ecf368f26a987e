/** Time as certificates see it; tests hand in one that they move themselves. */
export type Clock = {
  /** Monotonic milliseconds: the date can jump, and other machines have another one. */
  now(): number
  /** For what is valid until when. */
  date(): Date
  /** Runs `run` once, `ms` from now; the function that is returned cancels that. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}
