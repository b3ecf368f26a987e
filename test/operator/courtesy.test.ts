import { expect, test } from 'vitest'
import { systemTurns } from '../../src/kube/clock.ts'
import { createCourtesy } from '../../src/operator/courtesy.ts'

test('whoever takes a turn comes after the reviews that are under way', async () => {
  const courtesy = createCourtesy()
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
  const courtesy = createCourtesy()
  courtesy.reviewStarted()
  await expect(courtesy.turns.next()).resolves.toBe(undefined)
})
