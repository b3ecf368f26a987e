import { expect, test, vi } from 'vitest'
import { runLoop } from '../../src/controller/loop.ts'
import { Pace } from '../../src/controller/pace.ts'
import { Queue } from '../../src/controller/queue.ts'
import type { RunResult } from '../../src/controller/run-result.ts'
import type { BindingKey } from '../../src/core/binding.ts'
import { systemClock, systemTurns } from '../../src/kube/clock.ts'
import { manualClock } from '../support/manual-clock.ts'

/** How long a key waits that a run ended with this result. */
async function waitAfter(result: RunResult): Promise<number | undefined> {
  const clock = manualClock()
  const queue = new Queue<BindingKey>({ clock })
  const observe = vi.fn<(kind: string) => void>()
  const log = { debug: () => undefined, error: () => undefined }
  const ended = runLoop({
    queue,
    workers: 1,
    budget: { wait: () => undefined },
    pace: new Pace(systemTurns),
    log,
    observe,
    reconcile: () => Promise.resolve(result),
  })
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

test('a worker beyond the budget takes no key, and the most urgent one once the budget has grown', async () => {
  const queue = new Queue<BindingKey>({ clock: systemClock })
  const begun: BindingKey[] = []
  let grown = Promise.withResolvers<void>()
  let budget = 2
  const grow = (size: number): void => {
    budget = size
    grown.resolve()
    grown = Promise.withResolvers()
  }
  const over = Promise.withResolvers<RunResult>()
  const ended = runLoop({
    queue,
    workers: 8,
    budget: { wait: (number) => (number <= budget ? undefined : grown.promise) },
    pace: new Pace(systemTurns),
    log: { debug: () => undefined, error: () => undefined },
    observe: () => undefined,
    reconcile: (key) => {
      begun.push(key)
      return over.promise
    },
  })
  for (const key of ['default/a', 'default/b'] as const) queue.add(key)
  queue.addLater('default/late')
  await vi.waitUntil(() => begun.length === 2)
  queue.add('default/urgent')
  await systemTurns.next()
  expect(begun).toStrictEqual(['default/a', 'default/b'])
  grow(3)
  await vi.waitUntil(() => begun.length === 3)
  expect(begun[2]).toBe('default/urgent')
  grow(8)
  over.resolve({ kind: 'settled' })
  await vi.waitUntil(() => begun.length === 4)
  await queue.shutdown()
  await ended
})
