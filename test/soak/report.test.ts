import { expect, test } from 'vitest'
import { createRandom, dealer } from './random.ts'
import { describeReport, growthOf, type HeapSample, type Report } from './report.ts'

const empty: Report = {
  seed: 1,
  minutes: 40,
  rounds: 20,
  edits: new Map(),
  faults: new Map(),
  judged: { written: 0, withdrawn: 0, failures: 0, retries: 0 },
  slowest: { saidMs: 0, quietMs: 0 },
  heap: [],
  accidents: [],
  violations: [],
  logs: [],
}

/** A heap of which 20 bytes are code at first, with a share of what comes that is code, too. */
const samples = (
  bytes: (minutes: number) => number,
  until: number,
  shareOfCode: number = 0,
): readonly HeapSample[] =>
  Array.from({ length: until / 2 + 1 }, (_, at) => {
    const all = bytes(at * 2)
    return { replica: 'a', minutes: at * 2, all, code: 20 + shareOfCode * (all - bytes(0)) }
  })

test('growth is that of a warm process', () => {
  // The first minutes fill what is filled once.
  expect(growthOf(samples((minutes) => 100 + Math.min(minutes, 10), 40))).toBeCloseTo(0)
  expect(growthOf(samples((minutes) => 100 + minutes, 40))).toBeCloseTo(23.2, 1)
})

test.each([
  ['code', 1, /: \+23\.2 %; data \+0\.0 %, code \+81\.3 %$/m],
  ['data', 0, /: \+23\.2 %; data \+28\.3 %, code \+0\.0 %$/m],
])('growth that is all %s is told as that, and none is left out', (_what, shareOfCode, line) => {
  const heap = samples((minutes) => 100 + minutes, 40, shareOfCode)
  expect(describeReport({ ...empty, heap })).toMatch(line)
})

test('nothing is said of the growth of a process that was not watched for long', () => {
  expect(growthOf(samples(() => 100, 16))).toBeUndefined()
})

function chosen(seed: number): readonly number[] {
  const random = createRandom(seed)
  const fork = random.fork()
  return [random.below(1000), random.below(1000), fork.below(1000)]
}

test('a seed makes the same choices again, and another one others', () => {
  expect(chosen(1)).toEqual(chosen(1))
  expect(chosen(1)).not.toEqual(chosen(2))
})

test('a dealer deals each before any comes again', () => {
  const all = ['a', 'b', 'c']
  const deal = dealer(all, createRandom(1))
  for (const round of [1, 2, 3]) expect([deal(), deal(), deal()].toSorted(), `${round}`).toEqual(all)
})
