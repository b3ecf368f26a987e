/** Time as long-lived loops see it; tests hand in one that they move themselves. */
export type Clock = {
  /** Monotonic milliseconds. Intervals are measured with it: the date can jump, and other machines have another one. */
  now(): number
  /** The date, for what others read and for what is valid until when. */
  date(): Date
  /** Runs `run` once, `ms` from now; the function that is returned cancels that. */
  after(ms: number, run: () => void): () => void
}
