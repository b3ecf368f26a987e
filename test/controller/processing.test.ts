import { describe, expect, test } from 'vitest'
import type { News } from '../../src/controller/events.ts'
import { Processing } from '../../src/controller/processing.ts'
import { sliceMs } from '../../src/core/slices.ts'
import { binding, clusterSpiffeId, inventoryOf, removed, upserted } from '../support/builders.ts'

const outputOf = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  ...clusterSpiffeId(`kleym-default-${name}-pool-0123abcd`, {
    uid: `uid-of-${name}`,
    annotations: { 'kleym.sonda.red/binding': `default/${name}` },
  }),
  ...more,
})
const processed = { status: { stats: { namespacesSelected: 1 } } }

/** Outputs of bindings of these names that nobody has looked at; `told` are the events, by binding. */
function waiting(...names: readonly string[]) {
  const inventory = inventoryOf([
    ...names.map((name) => binding({ name })),
    ...names.map((name) => outputOf(name)),
  ])
  const told: { readonly name: string; readonly news: News }[] = []
  const warned: unknown[] = []
  let [now, up] = [0, true]
  let [elapsed, turns] = [0, 0]
  const processing = new Processing({
    inventory,
    now: () => now,
    turns: {
      now: () => (elapsed += sliceMs / 2),
      next: () => Promise.resolve((turns += 1)),
    },
    announce: ({ name }, news) => {
      if (up) told.push({ name, news })
      return Promise.resolve(up)
    },
    warn: (fields) => warned.push(fields),
  })
  return {
    inventory,
    told,
    warned,
    turns: () => turns,
    after: (ms: number) => {
      now += ms
      return processing.check()
    },
    apiServerIs: (is: boolean) => void (up = is),
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
    const { after, told, warned, apiServerIs } = waiting('a')
    apiServerIs(false)
    await after(0)
    await after(60_000)
    apiServerIs(true)
    await after(5_000)
    expect(told).toHaveLength(1)
    expect(warned).toHaveLength(1)
  })
})
