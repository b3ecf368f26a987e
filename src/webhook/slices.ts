import { setImmediate as nextTurn } from 'node:timers/promises'
import { inSlices as runInSlices, type Turns } from '../core/slices.ts'

const turns: Turns = { now: () => performance.now(), next: () => nextTurn() }

/** Runs the steps of a generator to its result, letting other reviews have the event loop in between. */
export const inSlices = <T>(steps: Generator<undefined, T>, signal: AbortSignal): Promise<T> =>
  runInSlices(steps, turns, signal)
