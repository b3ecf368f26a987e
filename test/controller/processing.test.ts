import { describe, expect, test } from 'vitest'
import type { News } from '../../src/controller/events.ts'
import { Processing } from '../../src/controller/processing.ts'
import type { RunResult } from '../../src/controller/run-result.ts'
import { sliceMs } from '../../src/core/slices.ts'
import { binding, clusterSpiffeId, inventoryOf, removed, upserted } from '../support/builders.ts'

const outputOf = (
  name: string,
  more: Readonly<Record<string, unknown>> = {},
  namespace: string = 'default',
) => ({
  ...clusterSpiffeId(`kleym-${namespace}-${name}-pool-0123abcd`, {
    uid: `uid-of-${name}`,
    annotations: { 'kleym.sonda.red/binding': `${namespace}/${name}` },
  }),
  ...more,
})
const ofClass = (name: string, className: string) => outputOf(name, { spec: { className } })
const processed = { status: { stats: { namespacesSelected: 1 } } }

/** What the API server makes of an Event on the binding of this name. */
const posts = (_name: string): RunResult | undefined => undefined
const failed = (afterMs?: number): RunResult => ({ kind: 'retry', why: 'busy', cause: '429', afterMs })

/**
 * Outputs of bindings of these names that nobody has looked at. `told` are the events, by binding, and `asked` the bindings for which
 * one was to be posted.
 */
function waiting(...names: readonly string[]) {
  const inventory = inventoryOf([
    ...names.map((name) => binding({ name })),
    ...names.map((name) => outputOf(name)),
  ])
  const told: { readonly name: string; readonly news: News }[] = []
  const asked: string[] = []
  const warned: unknown[] = []
  let now = 0
  let answer = posts
  const end = new AbortController()
  let [elapsed, turns] = [0, 0]
  const processing = new Processing({
    inventory,
    now: () => now,
    turns: {
      now: () => (elapsed += sliceMs / 2),
      next: () => Promise.resolve((turns += 1)),
    },
    announce: ({ name }, news) => {
      asked.push(name)
      const unposted = answer(name)
      if (!unposted) told.push({ name, news })
      return Promise.resolve(unposted)
    },
    warn: (fields) => warned.push(fields),
  })
  return {
    inventory,
    told,
    asked,
    warned,
    end: () => end.abort(),
    turns: () => turns,
    after: (ms: number) => {
      now += ms
      return processing.check(end.signal)
    },
    apiServerAnswers: (by: typeof posts) => void (answer = by),
  }
}

describe('an output that SPIRE Controller Manager has not looked at', () => {
  test('is reported after a minute, once', async () => {
    const { after, told, warned } = waiting('a')
    await after(0)
    await after(59_999)
    expect(told).toEqual([])
    await after(1)
    await after(600_000)
    expect(told).toEqual([
      {
        name: 'a',
        news: {
          type: 'Warning',
          reason: 'NotProcessed',
          about: 'uid-of-a',
          note: expect.stringContaining('ClusterSPIFFEID kleym-default-a-pool-0123abcd: SPIRE'),
        },
      },
    ])
    expect(warned).toHaveLength(1)
  })

  test('is reported with others in one line of the log', async () => {
    const { after, told, warned } = waiting('a', 'b', 'c')
    await after(0)
    await after(60_000)
    expect(told.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(warned).toMatchObject([{ outputs: 3, example: 'kleym-default-a-pool-0123abcd' }])
  })

  test('leaves the event loop to others while many are gone through', async () => {
    const { after, told, turns } = waiting('a', 'b', 'c', 'd', 'e')
    await after(0)
    expect(turns()).toBeGreaterThan(1)
    await after(60_000)
    expect(told).toHaveLength(5)
  })

  test('is not reported once it was looked at, or is gone, or has no binding', async () => {
    const { after, told, inventory } = waiting('a', 'b', 'c')
    await after(0)
    inventory.apply(upserted(outputOf('a', processed)))
    inventory.apply(removed(outputOf('b')))
    inventory.apply(removed(binding({ name: 'c' })))
    await after(60_000)
    expect(told).toEqual([])
  })

  test('has another minute if it took the name of one before', async () => {
    const { after, told, inventory } = waiting('a')
    await after(0)
    const other = outputOf('a')
    inventory.apply(upserted({ ...other, metadata: { ...other.metadata, uid: 'another' } }))
    await after(60_000)
    expect(told).toEqual([])
    await after(60_000)
    expect(told).toHaveLength(1)
  })

  test('is reported later if its Event could not be posted', async () => {
    const { after, told, warned, apiServerAnswers } = waiting('a')
    apiServerAnswers(() => failed())
    await after(0)
    await after(60_000)
    apiServerAnswers(posts)
    await after(5_000)
    expect(told).toHaveLength(1)
    expect(warned).toHaveLength(1)
  })

  test('is not tried where the Event of another one could not be posted, before the time that the API server asks for', async () => {
    const { after, asked, told, apiServerAnswers } = waiting('a', 'b', 'c')
    apiServerAnswers(() => failed(30_000))
    await after(0)
    await after(60_000)
    expect(asked).toEqual(['a'])
    apiServerAnswers(posts)
    await after(29_999)
    expect(asked).toEqual(['a'])
    await after(1)
    expect(told.map(({ name }) => name)).toEqual(['b', 'c', 'a'])
  })

  test('is reported although the Event of another one never can be posted', async () => {
    const { after, asked, told, apiServerAnswers } = waiting('a', 'b', 'c')
    apiServerAnswers((name) => (name === 'a' ? failed() : undefined))
    await after(0)
    await after(60_000)
    await after(5_000)
    await after(5_000)
    expect(told.map(({ name }) => name)).toEqual(['b', 'c'])
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'a'])
  })

  test('is reported although no Event in another namespace can be posted', async () => {
    const { inventory, after, asked, apiServerAnswers } = waiting('a', 'b', 'c')
    for (const one of [binding({ name: 'd', namespace: 'other' }), outputOf('d', {}, 'other')])
      inventory.apply(upserted(one))
    apiServerAnswers((name) => (name === 'd' ? undefined : failed()))
    await after(0)
    await after(60_000)
    await after(5_000)
    expect(asked).toEqual(['a', 'd', 'b'])
  })

  test('is not reported any more once the term ends', async () => {
    const { after, asked, warned, end, apiServerAnswers } = waiting('a', 'b')
    apiServerAnswers(() => {
      end()
      return undefined
    })
    await after(0)
    await after(60_000)
    await after(5_000)
    expect(asked).toEqual(['a'])
    expect(warned).toHaveLength(1)
  })

  test('is reported with its own class, or that it has none', async () => {
    const { after, told, warned, inventory } = waiting('a', 'b', 'c')
    inventory.apply(upserted(ofClass('b', 'former')))
    inventory.apply(upserted(ofClass('c', 'former')))
    await after(0)
    await after(60_000)
    expect(told.map(({ news }) => news.note)).toEqual([
      expect.stringContaining('this one has none'),
      expect.stringContaining('another class than "former"'),
      expect.stringContaining('another class than "former"'),
    ])
    expect(warned).toMatchObject([
      { outputs: 1, why: expect.stringContaining('this one has none') },
      { outputs: 2, why: expect.stringContaining('another class than "former"') },
    ])
  })
})
