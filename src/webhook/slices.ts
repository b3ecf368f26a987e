import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Time that a job may keep the event loop at once, in ms. Whatever comes in over a connection, another review or a page of
 * a list, takes some ten turns of the event loop to be read, and waits for a slice at each.
 */
const sliceMs = 2

/** Runs the steps of a generator to its result, letting others have the event loop in between. */
export async function inSlices<T>(steps: Generator<undefined, T>, signal: AbortSignal): Promise<T> {
  let until = performance.now() + sliceMs
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (performance.now() < until) continue
    await nextTurn()
    signal.throwIfAborted()
    until = performance.now() + sliceMs
  }
}
