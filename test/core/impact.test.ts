import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate } from '../../src/core/evaluate.ts'
import { lossesBy, type Prospect } from '../../src/core/impact.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import { bindings, names, namespaces, objectives, pools } from '../support/arbitraries.ts'
import { binding, inventoryOf, objective, pool, reasonsOf, without } from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'

const becoming = (object: Manifest): Prospect => ({
  resource: resourceOf(object),
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
  object,
})

const going = (object: Manifest): Prospect => ({ ...becoming(object), object: undefined })

const lost = (prospect: Prospect, inventory: Inventory): readonly string[] =>
  lossesBy(prospect, inventory).map(({ binding: { name }, finding }) => `${name} ${finding.rule}`)

const placeOf = (object: Manifest): string =>
  `${object.apiVersion} ${object.kind} ${object.metadata.namespace}/${object.metadata.name}`

/** The objects after a change, as a cluster would have them. */
const after = (
  objects: readonly Manifest[],
  { resource, namespace, name, object }: Prospect,
  changed: Manifest,
) => {
  const rest = objects.filter(
    (one) =>
      resourceOf(one) !== resource || one.metadata.namespace !== namespace || one.metadata.name !== name,
  )
  return object === undefined ? rest : [...rest, changed]
}

/** Each binding and the first thing that is wrong with it; undefined for nothing. */
const outcomes = (inventory: Inventory): ReadonlyMap<string, string | undefined> =>
  new Map(
    inventory
      .bindings()
      .filter(({ deleting }) => !deleting)
      .map((one) => [`${one.namespace}/${one.name}`, evaluate(one, inventory).findings[0]?.rule]),
  )

const changesOf = (objects: fc.Arbitrary<Manifest>) =>
  fc
    .tuple(objects, fc.boolean())
    .map(([object, goes]) => ({ object, prospect: goes ? going(object) : becoming(object) }))

/** One namespace, two names, one good selector: what meets there often collides. */
const few = fc.constantFrom('a', 'b')
const crowded: fc.Arbitrary<Manifest> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .record({ name: names, pool: few, objective: few })
      .map(({ name, ...refs }) =>
        binding({ name, spec: { poolRef: { name: refs.pool }, objectiveRef: { name: refs.objective } } }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ name: few, selector: fc.constantFrom({ matchLabels: { app: 'a' } }, {}) })
      .map(pool),
  },
  fc.record({ name: few, poolRef: fc.record({ name: few }) }).map(objective),
)

const worlds = fc
  .array(fc.oneof({ weight: 3, arbitrary: bindings }, pools, objectives), { maxLength: 14 })
  .map((objects) => [...new Map(objects.map((one) => [placeOf(one), one])).values()])

const changes = changesOf(fc.oneof(pools, objectives))

const crowds = fc
  .array(crowded, { minLength: 4, maxLength: 12 })
  .map((objects) => [...new Map(objects.map((one) => [placeOf(one), one])).values()])

const crowdedChanges = changesOf(crowded.filter(({ kind }) => kind !== 'InferenceIdentityBinding'))

describe('the losses by a change', () => {
  test('are the difference of two clusters, before it and after it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.tuple(worlds, changes), fc.tuple(crowds, crowdedChanges)),
        ([objects, { object, prospect }]) => {
          const inventory = inventoryOf(objects)
          const before = outcomes(inventory)
          const later = outcomes(inventoryOf(after(objects, prospect, object)))
          const expected = [...later].flatMap(([key, rule]) =>
            rule === undefined || before.get(key) !== undefined ? [] : [`${key} ${rule}`],
          )
          const losses = lossesBy(prospect, inventory).map(
            ({ binding: { namespace, name }, finding }) => `${namespace}/${name} ${finding.rule}`,
          )
          expect(losses.toSorted()).toEqual(expected.toSorted())
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('are of bindings in the namespace of what changes, and name no other', () => {
    fc.assert(
      fc.property(worlds, changes, (objects, { prospect }) => {
        // Names that tell the namespaces apart.
        const renamed = objects.map((one) =>
          one.kind === 'InferenceIdentityBinding'
            ? {
                ...one,
                metadata: { ...one.metadata, name: `${one.metadata.name}-of-${one.metadata.namespace}` },
              }
            : one,
        )
        for (const {
          binding: { namespace },
          finding,
        } of lossesBy(prospect, inventoryOf(renamed))) {
          expect(namespace).toBe(prospect.namespace)
          const other = namespace === 'default' ? 'other' : 'default'
          expect(finding.message).not.toContain(`-of-${other}`)
        }
      }),
    )
  })

  test('are none where nothing changes', () => {
    fc.assert(
      fc.property(worlds, (objects) => {
        const inventory = inventoryOf(objects)
        for (const object of objects.filter(({ kind }) => kind !== 'InferenceIdentityBinding'))
          expect(lost(becoming(object), inventory)).toEqual([])
      }),
    )
  })

  test('leave the inventory as it was', () => {
    fc.assert(
      fc.property(worlds, changes, (objects, { prospect }) => {
        const inventory = inventoryOf(objects)
        const before = outcomes(inventory)
        lossesBy(prospect, inventory)
        expect(outcomes(inventory)).toEqual(before)
      }),
    )
  })

  test('are none by whatever else becomes of namesakes', () => {
    fc.assert(
      fc.property(names, namespaces, (name, namespace) => {
        const inventory = inventoryOf([pool(), objective(), binding()])
        const [resource] = poolResources
        if (!resource) return
        expect(lossesBy({ resource, namespace, name, object: undefined }, inventory)).toEqual([])
      }),
    )
  })
})

describe('a binding loses its identity', () => {
  const scene = [pool(), objective(), binding()]
  const [newPool, oldPool] = poolResources
  const [newObjective] = objectiveResources

  test.for<readonly [string, Prospect, readonly Manifest[], readonly string[]]>([
    ['when its pool goes', going(pool()), scene, ['chat targetPoolNotFound']],
    ['when its objective goes', going(objective()), scene, ['chat targetObjectiveNotFound']],
    [
      'when its pool can no longer be rendered',
      becoming(pool({ selector: {} })),
      scene,
      ['chat invalidPoolSelector'],
    ],
    [
      'when its pool loses its spec',
      { ...becoming(pool()), object: {} },
      scene,
      ['chat invalidPoolSelector'],
    ],
    [
      'when its objective turns to another pool',
      becoming(objective({ poolRef: { name: 'other' } })),
      scene,
      ['chat objectiveOfAnotherPool'],
    ],
    [
      'not when it is being deleted itself',
      going(pool()),
      [pool(), objective(), binding({ metadata: { deletionTimestamp: 'now' } })],
      [],
    ],
    ['not when it had none', going(pool()), [...scene, binding({ name: 'twin' })], []],
    [
      'not when its pool is in another group too',
      going(pool({ group: oldPool?.group ?? '' })),
      [...scene, pool({ group: oldPool?.group ?? '' })],
      [],
    ],
    [
      'when a bad pool comes in a group that is asked first',
      becoming(pool({ group: newPool?.group ?? '', selector: {} })),
      [pool({ group: oldPool?.group ?? '' }), objective(), binding()],
      ['chat invalidPoolSelector'],
    ],
    [
      'when an objective of another pool comes in a group that is asked first',
      becoming(objective({ group: newObjective?.group ?? '', poolRef: { name: 'other' } })),
      [pool(), objective({ group: 'inference.networking.k8s.io' }), binding()],
      ['chat objectiveOfAnotherPool'],
    ],
  ])('%s', ([, prospect, objects, expected]) => {
    expect(lost(prospect, inventoryOf(objects))).toEqual(expected)
  })

  test('when one change of a shared pool makes two collide', () => {
    const side = { name: 'side' }
    const objects = [
      pool(),
      pool({ ...side, selector: { matchLabels: { app: 'side' } } }),
      objective(),
      objective({ ...side, poolRef: side }),
      binding(),
      binding({ ...side, spec: { poolRef: side, objectiveRef: side } }),
    ]
    expect(lost(becoming(pool(side)), inventoryOf(objects))).toEqual([
      'side identityCollision',
      'chat identityCollision',
    ])
  })

  test('not by what is not served', () => {
    const served = without('x-k8s.io')
    const inventory = inventoryOf([pool(), objective(), binding()], { served })
    expect(lost(becoming(pool({ group: oldPool?.group ?? '', selector: {} })), inventory)).toEqual([])
    expect(reasonsOf(evaluate([...inventory.bindings()][0] ?? fail(), inventory))).toEqual([])
  })
})

const fail = (): never => {
  throw new Error('there is no binding')
}
