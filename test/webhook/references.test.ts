import { describe, expect, test } from 'vitest'
import { objectiveResources, poolResources, type Resource } from '../../src/core/resources.ts'
import { warning } from '../../src/webhook/warn.ts'
import { binding, inventoryOf, objective, pool, poolOnly } from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { requestFor } from './request.ts'

type Change = {
  readonly among: readonly Manifest[]
  readonly object: Manifest
  readonly operation?: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly of?: Resource
  readonly subresource?: string
}

async function warningsOf({
  among,
  object,
  operation = 'UPDATE',
  ...asked
}: Change): Promise<readonly string[]> {
  const request = requestFor(object, { of: resourceOf(object), operation, oldObject: object, ...asked })
  const gone = operation === 'DELETE' ? { object: null } : {}
  const response = await warning(inventoryOf(among))({ ...request, ...gone })
  expect(response).toMatchObject({ kind: 'allowed', patch: [], auditAnnotations: {} })
  return response.warnings
}

const scene = [pool(), objective(), binding()]
const wild = pool({ selector: {} })
const many = (count: number): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => poolOnly({ name: `chat-${String(index).padStart(2, '0')}` }))

describe('a change is never refused, and a warning says what it costs', () => {
  test('the binding, and the reason as its status will have it', async () => {
    expect(await warningsOf({ among: scene, object: wild })).toEqual([
      expect.stringMatching(
        /^InferenceIdentityBinding default\/chat loses its identity: UnsafeSelector\/InvalidPoolSelector: spec\.poolRef\.name "chat": /,
      ),
    ])
  })

  test('of each object of a collection that is deleted, which the request does not name', async () => {
    const request = requestFor(pool(), { of: resourceOf(pool()), operation: 'DELETE', oldObject: pool() })
    const response = await warning(inventoryOf(scene))({ ...request, object: null, name: '' })
    expect(response.warnings).toEqual([expect.stringContaining('TargetPoolNotFound')])
  })

  test.for<readonly [string, Change, string | undefined]>([
    ['a pool that goes', { among: scene, object: pool(), operation: 'DELETE' }, 'TargetPoolNotFound'],
    [
      'an objective that goes',
      { among: scene, object: objective(), operation: 'DELETE' },
      'TargetObjectiveNotFound',
    ],
    [
      'an objective that comes to be of another pool',
      { among: scene, object: objective({ poolRef: { name: 'other' } }) },
      'InvalidObjectiveRef',
    ],
    [
      'a pool that selects others now',
      { among: scene, object: pool({ selector: { matchLabels: { a: 'b' } } }) },
      undefined,
    ],
    ['a pool that stays as it is', { among: scene, object: pool() }, undefined],
    [
      'a pool that is new',
      { among: [objective(), binding()], object: pool(), operation: 'CREATE' },
      undefined,
    ],
    [
      'a pool of another namespace',
      { among: scene, object: pool({ namespace: 'other', selector: {} }) },
      undefined,
    ],
    ['a pool that nobody uses', { among: scene, object: pool({ name: 'other', selector: {} }) }, undefined],
    ['a status', { among: scene, object: wild, subresource: 'status' }, undefined],
    [
      'a kind that is no pool',
      {
        among: scene,
        object: wild,
        of: {
          group: 'example.org',
          version: 'v1',
          kind: 'InferencePool',
          plural: 'inferencepools',
          namespaced: true,
        },
      },
      undefined,
    ],
  ])('%s', async ([, change, reason]) => {
    const warnings = await warningsOf(change)
    expect(warnings.map((text) => /identity: InvalidRef\/(\w+): /.exec(text)?.[1])).toEqual(
      reason === undefined ? [] : [reason],
    )
  })

  test('a pool in a group that is not the one that is used costs nothing', async () => {
    const [, older] = poolResources
    const object = pool({ group: older?.group ?? '', selector: {} })
    expect(await warningsOf({ among: scene, object, operation: 'CREATE' })).toEqual([])
  })

  test('every group of pools and objectives counts', async () => {
    for (const { group } of poolResources) {
      const among = [pool({ group }), objective(), binding()]
      expect(await warningsOf({ among, object: pool({ group, selector: {} }) })).toHaveLength(1)
    }
    for (const { group } of objectiveResources) {
      const among = [pool(), objective({ group }), binding()]
      const object = objective({ group, poolRef: { name: 'other' } })
      expect(await warningsOf({ among, object })).toHaveLength(1)
    }
  })

  test('a binding that had no identity before loses none', async () => {
    const among = [pool(), objective(), binding({ spec: { mode: 'Both' } })]
    expect(await warningsOf({ among, object: wild })).toEqual([])
  })

  test('a collision that it brings about names the peer', async () => {
    const side = { name: 'side' }
    const among = [
      ...scene,
      pool({ ...side, selector: { matchLabels: { app: 'side' } } }),
      objective({ ...side, poolRef: side }),
      binding({ ...side, spec: { poolRef: side, objectiveRef: side } }),
    ]
    const [first] = await warningsOf({ among, object: pool(side) })
    expect(first).toMatch(/default\/side loses its identity: Conflict\/IdentityCollision: .*bindings chat:/)
  })
})

describe('of many losses', () => {
  test('ten are named and the rest is counted', async () => {
    const warnings = await warningsOf({ among: [pool(), ...many(25)], object: wild })
    expect(warnings).toHaveLength(11)
    expect(warnings.slice(0, 10).map((text) => text.split(' ')[1])).toEqual(
      many(10).map(({ metadata }) => `default/${metadata.name}`),
    )
    expect(warnings.at(-1)).toBe('15 more InferenceIdentityBindings lose their identity')
  })

  test('ten are all named', async () => {
    const warnings = await warningsOf({ among: [pool(), ...many(10)], object: wild })
    expect(warnings.map((text) => text.split(' ')[0])).toEqual(Array(10).fill('InferenceIdentityBinding'))
  })
})
