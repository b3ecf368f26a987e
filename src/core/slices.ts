/** The event loop as a long job sees it. */
export type Turns = {
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Resolves once others have had the event loop. */
  readonly next: () => Promise<unknown>
}

/**
 * Time that a job may keep the event loop at once, in ms. Whatever comes in over a connection, an admission review or a
 * page of a list, takes some ten turns of the event loop to be read, and waits for a slice of each job at every one; at a start
 * there are up to seven jobs. A turn costs some 10 µs, so shorter slices cost little.
 */
export const sliceMs = 1

/**
 * Runs the steps of a generator to its result, letting others have the event loop in between. Rejects when the signal
 * aborts meanwhile.
 */
export async function inSlices<T>(
  steps: Generator<unknown, T>,
  { now, next }: Turns,
  signal?: AbortSignal,
): Promise<T> {
  let until = now() + sliceMs
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (now() < until) continue
    await next()
    signal?.throwIfAborted()
    until = now() + sliceMs
  }
}
