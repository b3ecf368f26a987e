import { expect, test } from 'vitest'
import { systemTurns } from '../../src/kube/clock.ts'
import { createReviewsFirst } from '../../src/operator/reviews-first.ts'

test('whoever takes a turn comes after the reviews that are under way', async () => {
  const reviewsFirst = createReviewsFirst()
  const order: string[] = []
  const over = [reviewsFirst.reviewStarted(), reviewsFirst.reviewStarted()]
  const turn = reviewsFirst.turns.next().then(() => order.push('turn'))
  await systemTurns.next()
  for (const isOver of over) {
    order.push('review')
    isOver()
  }
  await turn
  expect(order).toStrictEqual(['review', 'review', 'turn'])
})

test('but waits for none that goes on and on', async () => {
  const reviewsFirst = createReviewsFirst()
  reviewsFirst.reviewStarted()
  await expect(reviewsFirst.turns.next()).resolves.toBe(undefined)
})
