import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import type { Turns } from '../core/slices.ts'

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

export const systemTurns: Turns = { now: () => performance.now(), next: () => nextTurn() }

/** Resolves after `ms`, or as soon as `signal` aborts: the caller looks at the signal anyway. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  signal.addEventListener('abort', () => resolve(), { once: true, signal: doneWith(promise) })
  return promise.finally(cancel)
}

/** Aborts once the promise is settled, so that listeners on a signal that lives long do not pile up. */
function doneWith(promise: Promise<void>): AbortSignal {
  const done = new AbortController()
  void promise.then(() => done.abort())
  return done.signal
}
