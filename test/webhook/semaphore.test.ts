import { setImmediate as soon } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Semaphore } from '../../src/webhook/semaphore.ts'

/** Jobs that end when they are told to, by number. */
function jobs(semaphore: Semaphore) {
  const begun: number[] = []
  const ends: PromiseWithResolvers<number>[] = []
  const give = new AbortController()
  return {
    begun,
    giveUp: () => give.abort(),
    end: async (job: number) => {
      ends[job]?.resolve(job)
      await soon()
    },
    fail: async (job: number) => {
      ends[job]?.reject(new Error('no'))
      await soon()
    },
    pass: (job: number, signal = give.signal) => {
      ends[job] = Promise.withResolvers()
      const run = () => (begun.push(job), ends[job]?.promise ?? Promise.resolve(-1))
      return semaphore.pass(run, signal)
    },
  }
}

const patient = new AbortController().signal

test('so many jobs run at once, and the others in the order in which they came', async () => {
  const { begun, pass, end } = jobs(new Semaphore(2))
  const results = [0, 1, 2, 3].map((job) => pass(job))
  expect(begun).toEqual([0, 1])
  await end(1)
  expect(begun).toEqual([0, 1, 2])
  await end(0)
  await end(2)
  await end(3)
  expect(await Promise.all(results)).toEqual([0, 1, 2, 3])
})

test('a job that fails gives its place to the next', async () => {
  const { begun, pass, end, fail } = jobs(new Semaphore(1))
  const [failing, next] = [pass(0), pass(1)]
  await Promise.all([expect(failing).rejects.toThrow('no'), fail(0)])
  await end(1)
  expect(await next).toBe(1)
  expect(begun).toEqual([0, 1])
})

test('a job that gives up in line never begins, and lets no other wait longer', async () => {
  const { begun, pass, end, giveUp } = jobs(new Semaphore(1))
  const [first, impatient, last] = [pass(0, patient), pass(1), pass(2, patient)]
  giveUp()
  expect(await impatient).toBeUndefined()
  await end(0)
  await end(2)
  expect([await first, await last]).toEqual([0, 2])
  expect(begun).toEqual([0, 2])
})

test('a job whose caller has given up keeps its place until it ends', async () => {
  const { begun, pass, end, giveUp } = jobs(new Semaphore(1))
  const [impatient, next] = [pass(0), pass(1, patient)]
  giveUp()
  expect(await impatient).toBeUndefined()
  expect(begun).toEqual([0])
  await end(0)
  expect(begun).toEqual([0, 1])
  await end(1)
  expect(await next).toBe(1)
})

test('a caller whose time is over already gets no turn', async () => {
  const { begun, pass } = jobs(new Semaphore(1))
  expect(await pass(0, AbortSignal.abort())).toBeUndefined()
  expect(begun).toEqual([])
})
