import { expect, test } from 'vitest'
import { Budget } from '../../src/controller/budget.ts'
import { measured } from '../../src/controller/guarded-objects.ts'
import type { Objects, Reply } from '../../src/core/objects.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { manualClock } from '../support/manual-clock.ts'

const most = 32
const done: Reply = { kind: 'done', object: {} }
const refused: Reply = { kind: 'refused', code: 422, message: 'no' }
const conflict: Reply = { kind: 'conflict', message: 'somebody was faster' }
const failed: Reply = { kind: 'failed', cause: 'no answer', retryAfterMs: undefined }

/** Calls one after the other, of which the test says how each is answered and after how long. */
function arrange() {
  const clock = manualClock()
  const budget = new Budget({ most, clock })
  let next = { reply: done, ms: 0 }
  const answer = (): Promise<Reply> => {
    clock.advance(next.ms)
    return Promise.resolve(next.reply)
  }
  const objects = measured(
    {
      get: answer,
      create: answer,
      replace: answer,
      replaceStatus: answer,
      mergePatch: answer,
      remove: answer,
    },
    budget,
  )
  /** So many rounds of these calls, each answered like that. */
  const rounds = async (count: number, calls: readonly (readonly [Call, Reply, number])[]): Promise<void> => {
    for (let round = 0; round < count; round += 1) {
      for (const [call, reply, ms] of calls) {
        next = { reply, ms }
        expect(await call(objects)).toBe(reply)
      }
    }
  }
  return { budget, rounds }
}

type Call = (objects: Objects) => Promise<Reply>

const seen = { uid: 'a', resourceVersion: '1' }
const create: Call = ({ create: call }) => call(clusterSpiffeIdResource, {})
const rehearse: Call = ({ create: call }) => call(clusterSpiffeIdResource, {}, { dryRun: true })
const tryReplace: Call = ({ replace: call }) => call(clusterSpiffeIdResource, {}, { dryRun: true })
const replace: Call = ({ replace: call }) => call(clusterSpiffeIdResource, {})
const get: Call = ({ get: call }) => call(clusterSpiffeIdResource, { name: 'a' })
const remove: Call = ({ remove: call }) => call(clusterSpiffeIdResource, { name: 'a' }, seen)
const writeStatus: Call = ({ replaceStatus: call }) => call(bindingResource, {})
const patch: Call = ({ mergePatch: call }) => call(bindingResource, { name: 'a' }, {})

/** More than enough rounds for the budget to grow to `most`, or to shrink to the least. */
const many = 500

test('a kind of call that is slow by nature does not look slow beside others', async () => {
  const { budget, rounds } = arrange()
  const slow = [create, replace, writeStatus, patch, remove]
  await rounds(many, [
    [get, done, 2],
    ...slow.map((call): readonly [Call, Reply, number] => [call, done, 50]),
  ])
  expect(budget.runsAllowed).toBe(most)
})

test.for([
  ['dry runs of a creation', rehearse, done, create],
  ['dry runs of a replacement', tryReplace, done, replace],
  ['refusals', create, refused, create],
  ['conflicts', remove, conflict, remove],
  ['failures', writeStatus, failed, writeStatus],
] as const)('%s do not make writes look slow', async ([, fast, reply, write]) => {
  const { budget, rounds } = arrange()
  await rounds(many, [
    [fast, reply, 2],
    [write, done, 50],
    [write, done, 50],
  ])
  expect(budget.runsAllowed).toBe(most)
})

test('calls of a kind that take longer than others of that kind take runs away', async () => {
  const { budget, rounds } = arrange()
  await rounds(many, [[create, done, 5]])
  expect(budget.runsAllowed).toBe(most)
  await rounds(many, [[create, done, 50]])
  expect(budget.runsAllowed).toBeLessThan(8)
})
