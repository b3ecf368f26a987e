import { expect, test } from 'vitest'
import type { News } from '../../src/controller/events.ts'
import { settled, type RunResult } from '../../src/controller/run-result.ts'
import { TroubleReports } from '../../src/controller/trouble-reports.ts'
import { decodeBinding } from '../../src/core/binding.ts'
import { binding } from '../support/builders.ts'
import { manualClock } from '../support/manual-clock.ts'

const key = 'default/chat'
const busy = (afterMs?: number): RunResult => ({
  kind: 'retry',
  why: 'too many requests',
  cause: '429',
  afterMs,
})

/** Reports of one binding: `said` are lines of the log, `told` events. */
function reporting({ canPost = true } = {}) {
  const clock = manualClock()
  const said: string[] = []
  const told: News[] = []
  const reports = new TroubleReports({
    clock,
    binding: () => decodeBinding(binding()),
    announcer: {
      postOnce: (_binding, news) => {
        if (canPost) told.push(...news)
        return Promise.resolve(canPost ? undefined : busy())
      },
    },
    statuses: { recordRetrying: () => Promise.resolve(undefined) },
    log: { info: (_fields, message) => said.push(message), warn: (_fields, message) => said.push(message) },
  })
  const ends = (result: RunResult) => reports.run(key, () => Promise.resolve(result))
  return { clock, said, told, reports, ends }
}

test('a retry that the API server has put off is not brought forward; the log says the trouble in time', async () => {
  const { clock, said, told, reports, ends } = reporting()
  expect(await ends(busy(30_000))).toEqual(busy(30_000))
  clock.advance(9999)
  expect(said).toEqual([])
  clock.advance(1)
  expect(said).toEqual(['retrying'])
  expect(reports.words()).toMatch('1: 429;')
  expect(told).toEqual([])
  clock.advance(20_000)
  await ends(busy(30_000))
  expect(said).toEqual(['retrying'])
  expect(told).toMatchObject([{ reason: 'Retrying', note: 'too many requests' }])
  await ends(settled)
  expect(said).toEqual(['retrying', 'it succeeded in the end'])
  expect(reports.words()).toBeUndefined()
})

test('a back-off is cut so that a report that becomes due is not late', async () => {
  const { clock, ends } = reporting()
  clock.advance(1000)
  expect(await ends(busy())).toEqual({ ...busy(), withinMs: 10_000 })
})

test('what has succeeded, or runs again, before the log was to say it is not said by a timer', async () => {
  const { clock, said, ends } = reporting()
  await ends(busy(30_000))
  clock.advance(5000)
  await ends(settled)
  clock.advance(30_000)
  expect(said).toEqual([])
  expect(clock.waits()).toEqual([])
})

test('nothing is said once the reports are stopped', async () => {
  const { clock, said, reports, ends } = reporting()
  await ends(busy(30_000))
  reports.stop()
  clock.advance(30_000)
  expect(said).toEqual([])
})

test('what is said is among what lasts, and has its end said, although it could not be posted', async () => {
  const { clock, said, told, reports, ends } = reporting({ canPost: false })
  await ends(busy())
  clock.advance(10_000)
  await ends(busy())
  expect(told).toEqual([])
  expect(reports.words()).toMatch('1: 429;')
  await ends(settled)
  expect(said).toEqual(['retrying', 'it succeeded in the end'])
})
