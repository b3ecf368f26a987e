import { expect, test } from 'vitest'
import { Budget } from '../../src/controller/budget.ts'
import { manualClock } from '../support/manual-clock.ts'

const most = 32

/** A server that takes so long for a call, and works on so many at once: more of them take turns. */
type Server = { readonly callMs: number; readonly cores: number }

/** Keeps as many calls under way as the budget allows, by a clock that goes from one answer to the next. */
function arrange() {
  const clock = manualClock()
  const budget = new Budget({ most, clock })
  const underWay = new Set<{ readonly at: number; readonly answer: () => void }>()
  const call = async (ms: number, isAnswered = true): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const one = { at: clock.now() + ms, answer: resolve }
    underWay.add(one)
    await budget.measured(
      'kind',
      () => promise,
      () => isAnswered,
    )
    underWay.delete(one)
  }
  /** Until so many have ended. */
  const calls = async (count: number, { callMs, cores }: Server, isAnswered = true): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      while (underWay.size < budget.runsAllowed)
        void call(callMs * Math.max(1, (underWay.size + 1) / cores), isAnswered)
      const [first] = [...underWay].toSorted((a, b) => a.at - b.at)
      clock.advance(Math.max(0, (first?.at ?? 0) - clock.now()))
      first?.answer()
      await new Promise(setImmediate)
    }
  }
  return { clock, budget, calls }
}

const large: Server = { callMs: 5, cores: 100 }
const small: Server = { callMs: 5, cores: 2 }

test('where answers stay as fast, all runs may be under way', async () => {
  const { budget, calls } = arrange()
  expect(budget.runsAllowed).toBeLessThan(8)
  await calls(1000, large)
  expect(budget.runsAllowed).toBe(most)
})

test('where they get slow, no more than keep the server busy', async () => {
  const { budget, calls } = arrange()
  await calls(2000, small)
  expect(budget.runsAllowed).toBeLessThanOrEqual(8)
  expect(budget.runsAllowed).toBeGreaterThan(small.cores)
})

test('a server that gets busy takes runs away, and gets them back once it is calm', async () => {
  const { budget, calls } = arrange()
  await calls(1000, large)
  await calls(500, small)
  expect(budget.runsAllowed).toBeLessThanOrEqual(8)
  await calls(1500, large)
  expect(budget.runsAllowed).toBe(most)
})

test('a server that is slower from some time on counts as calm after two minutes', async () => {
  const { budget, calls, clock } = arrange()
  const slower: Server = { callMs: 50, cores: 100 }
  await calls(1000, large)
  await calls(300, slower)
  expect(budget.runsAllowed).toBe(6)
  clock.advance(60_000)
  await calls(300, slower)
  expect(budget.runsAllowed).toBe(6)
  clock.advance(60_000)
  await calls(1500, slower)
  expect(budget.runsAllowed).toBe(most)
})

test('answer times of hours ago do not count', async () => {
  const { budget, calls, clock } = arrange()
  await calls(1000, large)
  clock.advance(3 * 3_600_000)
  await calls(300, { callMs: 50, cores: 100 })
  expect(budget.runsAllowed).toBe(most)
})

test('a few answers that come late take nothing away', async () => {
  const { budget, calls } = arrange()
  await calls(1000, large)
  for (let pause = 0; pause < 50; pause += 1) {
    await calls(5, { ...large, callMs: 500 })
    await calls(40, large)
  }
  expect(budget.runsAllowed).toBe(most)
})

test('calls without an answer change nothing', async () => {
  const { budget, calls } = arrange()
  await calls(1000, large)
  await calls(200, { ...large, callMs: 1_000 }, false)
  expect(budget.runsAllowed).toBe(most)
})

test('a call that hangs leaves its place to another run, until it ends', async () => {
  const { clock, budget } = arrange()
  const runs = budget.runsAllowed
  const hanging = Promise.withResolvers<void>()
  const next = budget.wait(runs + 1)
  const call = budget.measured(
    'kind',
    () => hanging.promise,
    () => false,
  )
  clock.advance(1_000)
  expect(budget.runsAllowed).toBe(runs)
  clock.advance(5_000)
  await next
  expect(budget.runsAllowed).toBe(runs + 1)
  hanging.resolve()
  await call
  expect(budget.runsAllowed).toBe(runs)
  expect(clock.waits()).toStrictEqual([])
})

test('who waits goes on when the budget grows, or when there is none any more', async () => {
  const { budget, calls } = arrange()
  expect(budget.wait(budget.runsAllowed)).toBe(undefined)
  const next = budget.wait(budget.runsAllowed + 1)
  const last = budget.wait(most)
  expect([next, last]).toStrictEqual([expect.any(Promise), expect.any(Promise)])
  await calls(20, large)
  await next
  expect(budget.wait(most)).toBeInstanceOf(Promise)
  const waiting = budget.wait(most)
  budget.lift()
  await waiting
  expect(budget.wait(most)).toBe(undefined)
})
