import { setTimeout as sleep } from 'node:timers/promises'
import type { Turns } from '../core/slices.ts'
import { systemTurns } from '../kube/clock.ts'

export type ReviewsFirst = {
  /** A review has come; the function that is returned says that it is answered. */
  readonly reviewStarted: () => () => void
  /** For work that nobody waits for: whoever takes a turn comes after the reviews that are under way. */
  readonly turns: Turns
}

/**
 * How long other work waits for reviews at most. A review that takes longer waits for an answer of the API server, and leaves the
 * event loop to others anyway.
 */
const reviewsFirstMs = 10

/** Puts admission reviews, for which people wait, before work that only has to be done at some time. */
export function createReviewsFirst(turns: Turns = systemTurns): ReviewsFirst {
  let underWay = 0
  let answered = Promise.withResolvers<void>()
  return {
    reviewStarted: () => {
      underWay += 1
      return () => {
        underWay -= 1
        if (underWay > 0) return
        answered.resolve()
        answered = Promise.withResolvers()
      }
    },
    turns: {
      now: turns.now,
      next: async () => {
        await turns.next()
        if (underWay === 0) return
        const over = new AbortController()
        await Promise.race([
          answered.promise,
          sleep(reviewsFirstMs, undefined, { signal: over.signal }).catch(() => {}),
        ])
        over.abort()
        await turns.next()
      },
    },
  }
}
