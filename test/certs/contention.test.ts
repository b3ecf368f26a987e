import { expect, test } from 'vitest'
import { Contention } from '../../certs/contention.ts'

const minuteMs = 60_000

test('what is taken away is written again at once, then after ever longer pauses of at most a minute', () => {
  const contention = new Contention()
  const pauses = Array.from({ length: 9 }, (_, index) => {
    const at = index * minuteMs
    const pause = contention.noteRemoval(at)
    contention.noteInPlace()
    return pause
  })
  expect(pauses).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  expect(contention.times(9 * minuteMs)).toBe(9)
})

test('a pause is counted from when it was first noticed, however often it is looked at', () => {
  const contention = new Contention()
  contention.noteRemoval(0)
  contention.noteInPlace()
  expect([contention.noteRemoval(100), contention.noteRemoval(600), contention.noteRemoval(1100)]).toEqual([
    1000, 500, 0,
  ])
  expect(contention.times(1100)).toBe(2)
})

test('ten quiet minutes are peace', () => {
  const contention = new Contention()
  for (const at of [0, 1, 2]) {
    contention.noteRemoval(at)
    contention.noteInPlace()
  }
  expect(contention.times(10 * minuteMs)).toBe(3)
  expect(contention.times(10 * minuteMs + 3)).toBe(0)
  expect(contention.noteRemoval(10 * minuteMs + 3)).toBe(0)
})
