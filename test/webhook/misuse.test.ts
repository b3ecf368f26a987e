import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { misuses } from './misuse/clients.ts'
import { admissionReview, call, session, withToken } from './serving.ts'

/** By how much the heap may have grown after a misuse: more than noise, and less than ten leaked connections. */
const heapGrowthBytes = 2 * 2 ** 20

const patience = { timeout: 10_000, interval: 200 }

type Told = {
  readonly url: string
  readonly ca: string
  readonly heap: number
  readonly errors: readonly unknown[]
}

const isTold = (value: unknown): value is Told =>
  typeof value === 'object' && value !== null && 'heap' in value

const child = fork(new URL('misuse/served.ts', import.meta.url), { execArgv: ['--expose-gc'] })

const gone = once(child, 'exit').then(([code, signal]: unknown[]) => {
  throw new Error(`the server ended: ${String(code ?? signal)}`)
})
gone.catch(() => {})

async function ask(): Promise<Told> {
  const told = once(child, 'message')
  child.send('')
  const [answer] = await Promise.race([told, gone])
  if (!isTold(answer)) throw new Error('the server told nothing')
  return answer
}

let url = ''
let ca = ''
beforeAll(async () => {
  ;({ url, ca } = await ask())
})
afterAll(() => void child.kill())

const doors = [
  ['with the token', withToken('/validate')],
  ['without it', '/validate'],
] as const

describe.each(doors)('%s', (_door, path) => {
  test.each(misuses)('%s: no crash, no leak, and the next review is served', async (_what, misuse) => {
    await misuse(url, path, 10)
    const before = await ask()
    for (let round = 0; round < 2; round++) await misuse(url, path, 10)
    await using client = await session(url, { ca })
    const body = JSON.stringify(admissionReview())
    expect(await call(client, '/validate', { body })).toMatchObject({ status: 200 })
    await expect.poll(async () => (await ask()).heap, patience).toBeLessThan(before.heap + heapGrowthBytes)
    expect((await ask()).errors).toEqual([])
  })
})
