import { expect, test, vi } from 'vitest'
import { runLoop } from '../../src/controller/loop.ts'
import { Pace } from '../../src/controller/pace.ts'
import { Queue } from '../../src/controller/queue.ts'
import type { RunResult } from '../../src/controller/run-result.ts'
import type { BindingKey } from '../../src/core/binding.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { manualClock } from '../support/manual-clock.ts'

/** How long a key waits that a run ended with this result. */
async function waitAfter(result: RunResult): Promise<number | undefined> {
  const clock = manualClock()
  const queue = new Queue<BindingKey>({ clock })
  const observe = vi.fn<(kind: string) => void>()
  const log = { debug: () => undefined, error: () => undefined }
  const pace = new Pace(systemTurns)
  const ended = runLoop({ queue, workers: 1, pace, log, observe, reconcile: () => Promise.resolve(result) })
  queue.add('default/a')
  await vi.waitFor(() => expect(observe).toHaveBeenCalledTimes(1))
  const [wait] = clock.waits()
  await queue.shutdown()
  await ended
  return wait
}

const retry = (more: { readonly afterMs?: number; readonly withinMs?: number } = {}): RunResult => ({
  kind: 'retry',
  why: 'the API server said 500',
  cause: '500',
  ...more,
})

test.each([
  ['nothing', { kind: 'settled' }, undefined],
  ['a wait', { kind: 'wait', why: 'for a cache', ms: 700 }, 700],
  ['its back-off', retry(), 5],
  ['its back-off, which is sooner than it is wanted', retry({ withinMs: 10_000 }), 5],
  [
    'what a Retry-After asks for, though that is more than any back-off',
    retry({ afterMs: 120_000 }),
    120_000,
  ],
  ['a second at least', retry({ afterMs: 1 }), 1000],
  ['five minutes at most', retry({ afterMs: 10_000_000 }), 300_000],
  ['no longer than until it must be said', retry({ afterMs: 120_000, withinMs: 10_000 }), 10_000],
] as const)('a run is followed by %s', async (_title, result, wait) => {
  expect(await waitAfter(result)).toBe(wait)
})
