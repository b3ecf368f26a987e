import { setImmediate as soon } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { decodeBinding } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import type { IdentifiedBinding } from '../../src/core/overlap.ts'
import { decodePod } from '../../src/core/pods.ts'
import { leaseResource } from '../../src/core/resources.ts'
import { TellingPods } from '../../src/webhook/telling-pods.ts'
import { createPodLookup, type ListPods, type Look } from '../../src/webhook/workloads.ts'
import { binding, clusterSpiffeId, inventoryOf, objective, pool, poolOnly } from '../support/builders.ts'
import { podObject, type PodOptions } from '../support/pods.ts'
import type { Manifest } from '../support/vectors.ts'
import { MemoryObjects } from './memory-objects.ts'
import { outcomeOf, stage } from './stage.ts'

const scene = [pool(), objective()]
const page = (pods: readonly PodOptions[], next?: string) => ({
  kind: 'page' as const,
  pods: pods.flatMap((one) => decodePod(podObject(one)) ?? []),
  next,
})

type Asked = Parameters<ListPods>

/** A replica's reviews over pods that are listed so; `asked` are the lists. */
function watching(
  list: (...asked: Asked) => Awaited<ReturnType<ListPods>> | ReturnType<ListPods>,
  options: Omit<Parameters<typeof stage>[0] & {}, 'lookAtPods'> = {},
) {
  const asked: Asked[] = []
  const looks: Look[] = []
  const warned: string[] = []
  let now = 0
  const reviews = stage({
    remembered: scene,
    ...options,
    lookAtPods: (inventory) =>
      createPodLookup({
        list: async (...given) => (asked.push(given), list(...given)),
        fallbacks: () => inventory.fallbacks(),
        settings: inventory.settings,
        now: () => now,
        observe: (look) => looks.push(look),
        warn: (_fields, message) => warned.push(message),
      }),
  })
  return { ...reviews, asked, looks, warned, later: (ms: number) => void (now += ms) }
}

const other = { account: 'other' }
const update = (oldObject: Manifest) => ({ operation: 'UPDATE', oldObject }) as const

/** Lists a first page of pods that don't fit, and then this page. */
const pages = (rest: ReturnType<typeof page>): ReturnType<typeof watching> =>
  watching((_at, { token }) => (token === undefined ? page([other], 'more') : rest))

describe('a review that allows', () => {
  test('lists the pods of the pool, those of the namespace alone, and warns', async () => {
    const { validate, asked, looks } = watching(() => page([other]))
    expect(outcomeOf(await validate(binding()))).toBe('allowed?NoSuchServiceAccount')
    expect(asked.map(([at]) => at)).toEqual([{ namespace: 'default', pairs: ['app=chat'] }])
    expect(looks).toEqual(['complete'])
  })

  test('adds these warnings to its other ones', async () => {
    const peer = poolOnly({ name: 'peer' })
    const { validate } = watching(() => page([other]), { remembered: [...scene, peer] })
    expect(outcomeOf(await validate(binding()))).toBe('allowed?MixedModes, NoSuchServiceAccount')
  })

  test('of a dry run, too', async () => {
    const { validate } = watching(() => page([{ containers: ['vllm'] }]))
    expect(outcomeOf(await validate(binding(), { dryRun: true }))).toBe('allowed?NoSuchContainer')
  })

  test('knows the fallbacks of the cluster', async () => {
    const fallback = clusterSpiffeId('everyone', {}, { fallback: true })
    const { validate } = watching(() => page([{}]), { remembered: [...scene, fallback] })
    expect(outcomeOf(await validate(binding()))).toBe('allowed?FallbackSuppressed')
  })

  test('claims the key meanwhile', async () => {
    const { promise: listed, resolve } = Promise.withResolvers<ReturnType<typeof page>>()
    const { validate, claims } = watching(() => listed)
    const answer = validate(binding())
    while (claims().length === 0) await soon()
    resolve(page([other]))
    expect(outcomeOf(await answer)).toBe('allowed?NoSuchServiceAccount')
  })

  test('lists one page if one of the first pods fits, however many follow', async () => {
    const { validate, asked, looks } = watching(() => page([other, {}], 'more'))
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
    expect(asked).toHaveLength(1)
    expect(looks).toEqual(['partial'])
  })

  test('lists the other pods before it warns that none fits', async () => {
    for (const [rest, outcome] of [
      [page([other]), 'allowed?NoSuchServiceAccount'],
      [page([{}]), 'allowed'],
      [page([other], 'still more'), 'allowed'],
    ] as const) {
      const { validate, asked } = pages(rest)
      expect(outcomeOf(await validate(binding()))).toBe(outcome)
      expect(asked.map(([, { token }]) => token)).toEqual([undefined, 'more'])
    }
  })

  test.each([
    ['can not be listed', () => ({ kind: 'unknown' as const, why: 'the connection was lost' })],
    ['may not be listed', () => ({ kind: 'forbidden' as const, why: 'no' })],
    ['are too many', (...[, , signal]: Asked) => untilAborted(signal)],
  ])('says nothing of pods that %s', async (_title, list) => {
    const { validate, claims } = watching(list)
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
    expect(claims()).toHaveLength(1)
  })

  test('warns by the pods of the first page if the rest can not be listed', async () => {
    const fallback = clusterSpiffeId('everyone', {}, { fallback: true })
    const { validate, looks } = watching(
      (_at, { token }) => (token === undefined ? page([other], 'more') : { kind: 'unknown', why: 'lost' }),
      { remembered: [...scene, fallback] },
    )
    expect(outcomeOf(await validate(binding()))).toBe('allowed?FallbackSuppressed')
    expect(looks).toEqual(['partial'])
  })
})

/** A list that never comes: it ends once nobody waits for it any more. */
const untilAborted = (signal: AbortSignal): ReturnType<ListPods> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'unknown', why: 'too late' }), { once: true })
  })

describe('pods are not looked at', () => {
  test('by a review that refuses', async () => {
    const { validate, asked } = watching(() => page([other]))
    expect(outcomeOf(await validate(binding({ spec: { serviceAccountName: 'A B' } })))).toBe(
      'InvalidServiceAccountName',
    )
    expect(asked).toEqual([])
  })

  test('for a binding without an identity, or by the mutating webhook', async () => {
    const { validate, mutate, asked } = watching(() => page([other]))
    expect(outcomeOf(await validate(binding({ spec: { poolRef: { name: 'none' } } })))).toMatch(/^allowed/)
    await mutate(binding())
    expect(asked).toEqual([])
  })

  test('for an update that leaves the spec as it is', async () => {
    const { validate, asked } = watching(() => page([other]), { remembered: [...scene, binding()] })
    expect(outcomeOf(await validate(binding(), update(binding())))).toBe('allowed')
    expect(asked).toEqual([])
  })

  test('for a minute after they were forbidden, for each namespace; the log says it once', async () => {
    const far = { namespace: 'far' }
    const { validate, asked, warned, later } = watching(
      ({ namespace }) => (namespace === 'far' ? page([other]) : { kind: 'forbidden', why: 'no' }),
      { remembered: [...scene, pool(far), objective(far)] },
    )
    for (const name of ['a', 'b']) await validate(poolOnly({ name }))
    expect(asked).toHaveLength(1)
    expect(outcomeOf(await validate(poolOnly({ name: 'c', ...far })))).toBe('allowed?NoSuchServiceAccount')
    later(60_001)
    await validate(poolOnly({ name: 'd' }))
    expect(asked).toHaveLength(3)
    expect(warned).toEqual(['pods may not be listed: bindings are admitted without a look at them'])
  })
})

describe('where what pods show may refuse', () => {
  const actions = { NoSuchServiceAccount: 'deny' } as const

  test('it refuses, and nothing is claimed', async () => {
    const { validate, claims } = watching(() => page([other]), { actions })
    expect(outcomeOf(await validate(binding()))).toBe('NoSuchServiceAccount')
    expect(claims()).toEqual([])
  })

  test('what it was before is a warning, of the same pods alone', async () => {
    const leases = new MemoryObjects()
    const others = [objective({ name: 'second' }), pool({ name: 'second', selector: { app: 'second' } })]
    const { validate } = watching(() => page([other]), {
      actions,
      leases,
      remembered: [...scene, ...others, binding()],
    })
    const moved = binding({ spec: { containerName: 'side' } })
    expect(outcomeOf(await validate(moved, update(binding())))).toBe(
      'allowed?NoSuchServiceAccount, NoSuchContainer',
    )
    const elsewhere = poolOnly({ name: 'chat', spec: { poolRef: { name: 'second' } } })
    expect(outcomeOf(await validate(elsewhere, update(binding())))).toBe('NoSuchServiceAccount')
    expect(leases.all(leaseResource)).toHaveLength(1)
  })

  test('what is ignored is not said', async () => {
    const ignored = { actions: { NoSuchServiceAccount: 'ignore' } } as const
    const { validate } = watching(() => page([other]), ignored)
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
  })
})

/** Lists these pods as an API server does. */
const listing =
  (pods: Map<string, PodOptions>): ((...asked: Asked) => ReturnType<typeof page>) =>
  ({ pairs, name }) =>
    page(
      [...pods]
        .map(([called, one]) => ({ ...one, name: called }))
        .filter((one) => name === undefined || one.name === name)
        .filter(({ labels = { app: 'chat' } }) =>
          pairs.every((pair) => Object.entries(labels).some(([key, value]) => pair === `${key}=${value}`)),
        ),
    )

/** Reviews over these pods; `named` are the names of the pods that were asked for, `all` for a list. */
const watchingPods = (pods: Map<string, PodOptions>, remembered: readonly Manifest[] = scene) => {
  const reviews = watching(listing(pods), { remembered })
  const named = () => reviews.asked.splice(0).map(([{ name }]) => name ?? 'all')
  return { ...reviews, named }
}

describe('a pod that told all there was to say', () => {
  test('is asked for by its name, and no other is, by the next review for the same workloads', async () => {
    const { validate, named, looks } = watchingPods(
      new Map<string, PodOptions>([
        ['a', other],
        ['b', {}],
      ]),
    )
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
    expect(named()).toEqual(['all'])
    expect(outcomeOf(await validate(binding()))).toBe('allowed')
    expect(named()).toEqual(['b'])
    expect(looks).toEqual(['complete', 'partial'])
  })

  test('is not asked for by a review for another pool, account, container or namespace', async () => {
    const far = { namespace: 'far' }
    const second = { name: 'second', selector: { app: 'chat', zone: 'a' } }
    const others = [pool(far), objective(far), pool(second)]
    const { validate, named } = watchingPods(new Map<string, PodOptions>([['a', {}]]), [...scene, ...others])
    await validate(binding())
    for (const one of [
      poolOnly({ name: 'x' }),
      poolOnly({ name: 'x', spec: { poolRef: { name: 'second' } } }),
      poolOnly({ name: 'x', spec: { serviceAccountName: 'x' } }),
      binding({ name: 'x', spec: { containerName: 'x' } }),
      binding({ name: 'x', ...far }),
    ])
      await validate(one)
    expect(named()).toEqual(['all', 'all', 'all', 'all', 'all', 'all'])
  })

  test.each<[string, PodOptions | undefined]>([
    ['is gone', undefined],
    ['runs as another account under the same name', other],
    ['has other labels', { labels: { app: 'other' } }],
    ['is being deleted', { deleting: true }],
  ])('is followed by a list where it %s', async (_title, now) => {
    const pods = new Map<string, PodOptions>([['a', {}]])
    const { validate, named } = watchingPods(pods)
    await validate(poolOnly())
    pods.delete('a')
    if (now) pods.set('a', now)
    pods.set('b', other)
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed?NoSuchServiceAccount')
    pods.set('c', {})
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed')
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed')
    expect(named()).toEqual(['all', 'a', 'all', 'all', 'c'])
  })

  test('is not asked for where other pods tell more', async () => {
    const fallback = clusterSpiffeId('everyone', {}, { fallback: true })
    const { validate, named } = watchingPods(
      new Map<string, PodOptions>([
        ['a', {}],
        ['b', other],
      ]),
      [...scene, fallback],
    )
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed?FallbackSuppressed')
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed?FallbackSuppressed')
    expect(named()).toEqual(['all', 'all'])
  })

  test('is followed by a list where it can not be read', async () => {
    const { validate, asked, looks } = watching(({ name }) =>
      name === undefined ? page([{}]) : { kind: 'unknown', why: 'the connection was lost' },
    )
    await validate(poolOnly())
    expect(outcomeOf(await validate(poolOnly()))).toBe('allowed')
    expect(asked.map(([{ name }]) => name)).toEqual([undefined, 'chat-0', undefined])
    expect(looks).toEqual(['complete', 'complete'])
  })

  test('counts for what may be read for one review: 2 MiB', async () => {
    let fitting: PodOptions = {}
    const { validate, asked } = watching(({ name }, { token }) =>
      page([fitting], name === undefined && token === undefined ? 'more' : undefined),
    )
    await validate(poolOnly())
    asked.length = 0
    fitting = other
    await validate(poolOnly())
    expect(asked).toHaveLength(3)
    expect(asked.reduce((sum, [, { maxBytes }]) => sum + maxBytes, 0)).toBe(2 * 1024 * 1024)
  })
})

test('of the pods that told all the thousand latest are remembered', () => {
  const inventory = inventoryOf(scene)
  const oneFor = (serviceAccountName: string): IdentifiedBinding => {
    const decoded = decodeBinding(poolOnly({ spec: { serviceAccountName } }))
    const { identity } = evaluate(decoded, inventory)
    if (!identity) throw new Error(`${decoded.name} stands for nothing`)
    return { binding: decoded, identity }
  }
  const telling = new TellingPods()
  for (let index = 0; index < 1_000; index++) telling.note(oneFor(`a${index}`), `pod-${index}`)
  telling.note(oneFor('a0'), 'another')
  telling.note(oneFor('a1000'), 'pod-1000')
  const names = ['a0', 'a1', 'a2', 'a1000'].map((account) => telling.nameFor(oneFor(account)))
  expect(names).toEqual(['another', undefined, 'pod-2', 'pod-1000'])
})
