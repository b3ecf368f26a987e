import { expect, test } from 'vitest'
import { runLoop } from '../../src/controller/loop.ts'
import { Pace } from '../../src/controller/pace.ts'
import { Queue } from '../../src/controller/queue.ts'
import type { BindingKey } from '../../src/core/binding.ts'
import { sliceMs } from '../../src/core/slices.ts'
import { systemClock, systemTurns } from '../../src/kube/clock.ts'

const keys = Array.from({ length: 40 }, (_, index): BindingKey => `default/${index}`)

/** Works the keys off, with a clock that only runs advance, by half a slice each. Returns the number of runs between turns. */
async function runsBetweenTurns(workers: number): Promise<readonly number[]> {
  const queue = new Queue<BindingKey>({ clock: systemClock })
  for (const key of keys) queue.add(key)
  const runs = [0]
  let now = 0
  const turns = {
    now: () => now,
    next: async () => {
      runs.push(0)
      await systemTurns.next()
    },
  }
  const over = Promise.withResolvers<void>()
  let left = keys.length
  const ended = runLoop({
    queue,
    workers,
    budget: { wait: () => undefined },
    pace: new Pace(turns),
    reconcile: () => {
      now += sliceMs / 2
      runs.push((runs.pop() ?? 0) + 1)
      left -= 1
      if (left === 0) over.resolve()
      return Promise.resolve({ kind: 'settled' })
    },
    log: { debug: () => undefined, error: () => undefined },
    observe: () => undefined,
  })
  await over.promise
  await queue.shutdown()
  await ended
  return runs
}

test.each([1, 8])(
  'runs that wait for nothing let others have the event loop after each slice, %i workers',
  async (workers) => {
    const runs = await runsBetweenTurns(workers)
    expect(Math.max(...runs)).toBe(2)
    expect(runs.reduce((sum, some) => sum + some, 0)).toBe(keys.length)
  },
)
