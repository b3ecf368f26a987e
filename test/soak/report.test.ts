import { expect, test } from 'vitest'
import { createRandom, dealer } from './random.ts'
import { growthOf, type HeapSample } from './report.ts'

const samples = (bytes: (minutes: number) => number, until: number): readonly HeapSample[] =>
  Array.from({ length: until / 2 + 1 }, (_, at) => ({ replica: 'a', minutes: at * 2, bytes: bytes(at * 2) }))

test('growth is that of a warm process', () => {
  // The first minutes fill what is filled once.
  expect(growthOf(samples((minutes) => 100 + Math.min(minutes, 10), 40))).toBeCloseTo(0)
  expect(growthOf(samples((minutes) => 100 + minutes, 40))).toBeCloseTo(23.2, 1)
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
