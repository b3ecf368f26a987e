import { expect, test } from 'vitest'
import { systemTurns } from '../../src/kube/clock.ts'
import { createCourtesy } from '../../src/operator/courtesy.ts'

const arrange = () => {
  let now = 0
  const courtesy = createCourtesy({ now: () => now, next: systemTurns.next })
  return { courtesy, passes: (ms: number) => void (now += ms) }
}

test('whoever takes a turn comes after the reviews that are under way', async () => {
  const { courtesy } = arrange()
  const order: string[] = []
  const over = [courtesy.reviewStarted(), courtesy.reviewStarted()]
  const turn = courtesy.turns.next().then(() => order.push('turn'))
  await systemTurns.next()
  for (const isOver of over) {
    order.push('review')
    isOver()
  }
  await turn
  expect(order).toStrictEqual(['review', 'review', 'turn'])
})

test('but waits for none that goes on and on', async () => {
  const { courtesy } = arrange()
  courtesy.reviewStarted()
  await courtesy.turns.next()
  expect(courtesy.isAsked()).toBe(true)
})

test('reviews count as asked for until none has come for a second', () => {
  const { courtesy, passes } = arrange()
  expect(courtesy.isAsked()).toBe(false)
  courtesy.reviewStarted()()
  passes(999)
  expect(courtesy.isAsked()).toBe(true)
  passes(1)
  expect(courtesy.isAsked()).toBe(false)
})
