import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foresee } from '../../src/core/appraise.ts'
import type { Binding } from '../../src/core/binding.ts'
import { finish, judgeChange, type Consequence, type ReferenceChange } from '../../src/core/consequences.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import { consequenceLine } from '../../src/core/reference-verdict.ts'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import { isSameHarm } from '../../src/core/verdict.ts'
import { bindings, names, namespaces, objectives, pools, setsOfObjects } from '../support/arbitraries.ts'
import { binding, inventoryOf, objective, pool } from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'

const becoming = (object: Manifest): ReferenceChange => ({
  resource: resourceOf(object),
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
  object,
})

const going = (object: Manifest): ReferenceChange => ({ ...becoming(object), object: undefined })

const consequencesOf = (change: ReferenceChange, inventory: Inventory): readonly Consequence[] =>
  finish(judgeChange(change, inventory))

/** `name rule` of each binding that loses, or that would get nothing. */
const lost = (change: ReferenceChange, inventory: Inventory): readonly string[] =>
  consequencesOf(change, inventory).flatMap((one) =>
    one.kind === 'otherPods' ? [] : [`${one.binding.name} ${one.finding.rule}`],
  )

const bindingOf = ({ binding: { namespace, name } }: Consequence): string => `${namespace}/${name}`

const placeOf = (object: Manifest): string =>
  `${object.apiVersion} ${object.kind} ${object.metadata.namespace}/${object.metadata.name}`

/** The objects after a change, as a cluster would have them. */
const after = (
  objects: readonly Manifest[],
  { resource, namespace, name, object }: ReferenceChange,
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
    .map(([object, goes]) => ({ object, change: goes ? going(object) : becoming(object) }))

/** Objects of one namespace, two names and mostly one selector, so that bindings often collide. */
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

describe('the consequences of a change', () => {
  test('are the difference of two clusters, before it and after it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.tuple(worlds, changes), fc.tuple(crowds, crowdedChanges)),
        ([objects, { object, change }]) => {
          const inventory = inventoryOf(objects)
          const before = outcomes(inventory)
          const later = outcomes(inventoryOf(after(objects, change, object)))
          const lose = (key: string): boolean => before.get(key) === undefined && later.get(key) !== undefined
          const expected = [...later.keys()].filter(lose)
          const found = consequencesOf(change, inventory)
          const losses = found.filter(({ kind }) => kind === 'loss').map(bindingOf)
          // Harm may also concern an object of a group that the loop does not take: of harms, those count by which a binding loses.
          const harms = found.filter(({ kind }) => kind === 'harm').map(bindingOf)
          expect([...losses, ...harms.filter(lose)].toSorted()).toEqual(expected.toSorted())
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('are of bindings in the namespace of the changed object, and name no other namespace', () => {
    fc.assert(
      fc.property(worlds, changes, (objects, { change }) => {
        // Names that tell the namespaces apart.
        const renamed = objects.map((one) =>
          one.kind === 'InferenceIdentityBinding'
            ? {
                ...one,
                metadata: { ...one.metadata, name: `${one.metadata.name}-of-${one.metadata.namespace}` },
              }
            : one,
        )
        for (const one of consequencesOf(change, inventoryOf(renamed))) {
          const { namespace } = one.binding
          expect(namespace).toBe(change.namespace)
          const other = namespace === 'default' ? 'other' : 'default'
          expect(consequenceLine(one)).not.toContain(`-of-${other}`)
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
      fc.property(worlds, changes, (objects, { change }) => {
        const inventory = inventoryOf(objects)
        const before = outcomes(inventory)
        consequencesOf(change, inventory)
        expect(outcomes(inventory)).toEqual(before)
      }),
    )
  })

  test('are none for an object that no binding refers to', () => {
    fc.assert(
      fc.property(names, namespaces, (name, namespace) => {
        const inventory = inventoryOf([pool(), objective(), binding()])
        const [resource] = poolResources
        if (!resource) return
        expect(consequencesOf({ resource, namespace, name, object: undefined }, inventory)).toEqual([])
      }),
    )
  })
})

describe('a binding loses its identity', () => {
  const scene = [pool(), objective(), binding()]
  const [newPool, oldPool] = poolResources
  const [newObjective] = objectiveResources

  test.for<readonly [string, ReferenceChange, readonly Manifest[], readonly string[]]>([
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
  ])('%s', ([, change, objects, expected]) => {
    expect(lost(change, inventoryOf(objects))).toEqual(expected)
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
      'chat identityCollision',
      'side identityCollision',
    ])
  })
})

describe('a binding that has no identity would get none', () => {
  const [, xPools] = poolResources.map(({ group }) => group)
  const unsafe = { selector: {} }

  test.for<readonly [string, Manifest, readonly Manifest[], readonly string[]]>([
    ['by an unsafe pool that it waits for', pool(unsafe), [binding()], ['chat invalidPoolSelector']],
    [
      'by an unsafe pool, whatever else it waits for',
      pool(unsafe),
      [binding(), pool({ group: xPools })],
      ['chat invalidPoolSelector'],
    ],
    [
      'by an unsafe pool behind the one that it takes',
      pool({ ...unsafe, group: xPools }),
      [pool(), objective(), binding()],
      ['chat invalidPoolSelector'],
    ],
    [
      'not by what it names the group of',
      pool({ ...unsafe, group: xPools }),
      [objective(), binding({ spec: { poolRef: { name: 'chat', group: 'inference.networking.k8s.io' } } })],
      [],
    ],
    [
      'not where it had none for the same reason',
      pool({ ...unsafe, metadata: { labels: { a: 'b' } } }),
      [pool(unsafe), objective(), binding()],
      [],
    ],
    [
      'not where its own spec is wrong',
      pool(unsafe),
      [binding({ spec: { containerName: 'no container' } })],
      [],
    ],
    [
      'not where it is being deleted',
      pool(unsafe),
      [binding({ metadata: { deletionTimestamp: 'now' } })],
      [],
    ],
    [
      'by an objective that completes a collision',
      objective({ name: 'b', poolRef: { name: 'twin' } }),
      [
        pool(),
        pool({ name: 'twin' }),
        objective(),
        binding(),
        binding({ name: 'b', spec: { poolRef: { name: 'twin' }, objectiveRef: { name: 'b' } } }),
      ],
      ['b identityCollision', 'chat identityCollision'],
    ],
    [
      'not by an objective of another pool',
      objective({ poolRef: { name: 'other' } }),
      [pool(), binding()],
      [],
    ],
  ])('%s', ([, object, objects, expected]) => {
    expect(lost(becoming(object), inventoryOf(objects))).toEqual(expected)
  })
})

const otherPodsBy = (selector: unknown) =>
  consequencesOf(becoming(pool({ selector })), inventoryOf([pool(), objective(), binding()])).map(
    (one) => one.kind === 'otherPods' && [one.before, one.after],
  )

describe('the pods that get an identity', () => {
  test('are told where a change selects other pods than before', () => {
    expect(otherPodsBy({ matchLabels: { app: 'other' } })).toEqual([[['app=chat'], ['app=other']]])
    expect(otherPodsBy({ matchLabels: { team: 'a' } })).toEqual([[['app=chat'], ['team=a']]])
  })

  test('are not told where a change selects fewer pods, or the same', () => {
    expect(otherPodsBy({ matchLabels: { app: 'chat', role: 'decode' } })).toEqual([])
    expect(otherPodsBy({ matchLabels: { app: 'chat' } })).toEqual([])
  })
})

/** What would be refused in a binding, of all that admission foresees for it. */
const refusable = (one: Binding, inventory: Inventory) =>
  inventory.stakeOf(one).isSound
    ? foresee(one, inventory).findings.filter(
        ({ rule }) => rule === 'invalidPoolSelector' || rule === 'identityCollision',
      )
    : []

test('harm is what admission foresees for a binding after a change, and did not before it', () => {
  let harmed = 0
  fc.assert(
    fc.property(setsOfObjects, fc.nat(), fc.boolean(), (objects, pick, goes) => {
      const references = objects.filter(({ kind }) => kind !== 'InferenceIdentityBinding')
      const changed = references[pick % Math.max(references.length, 1)]
      if (!changed) return
      const rest = objects.filter((one) => one !== changed)
      const [before, then] = [inventoryOf(goes ? objects : rest), inventoryOf(goes ? rest : objects)]
      const expected = then
        .bindings()
        .filter((one) => {
          const earlier = refusable(one, before)
          return refusable(one, then).some((harm) => !earlier.some((known) => isSameHarm(known, harm)))
        })
        .map(({ name }) => name)
      const found = consequencesOf(goes ? going(changed) : becoming(changed), before)
      const harms = found.flatMap(({ kind, binding: { name } }) => (kind === 'harm' ? [name] : []))
      harmed += harms.length
      expect(new Set(harms)).toStrictEqual(new Set(expected))
    }),
    { numRuns: 1000 },
  )
  expect(harmed).toBeGreaterThan(0)
})
