import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { admit, isDenied } from '../../src/core/admit.ts'
import { replacesAnnotation } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules } from '../../src/core/findings.ts'
import type { AdmissionActions } from '../../src/core/reference-verdict.ts'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import { binding, inventoryOf, objective, pool, upserted } from '../support/builders.ts'
import { setsOfObjects } from '../support/arbitraries.ts'
import { permutationsOf } from '../support/permutations.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'

/** More of them take minutes: set for a longer search. */
const sets = Number(process.env['KLEYM_TEST_SETS'] ?? 500)

const actions: AdmissionActions = { onReferences: 'deny', onLoss: 'warn', overrides: {} }

/** Creates objects one after the other, each beside those that got in, and says whether one was refused. */
function create(objects: readonly Manifest[]) {
  const inventory = inventoryOf([])
  let refused = false
  for (const object of objects) {
    const { namespace = '', name } = object.metadata
    const admission = admit({ resource: resourceOf(object), namespace, name, object }, inventory, actions)
    if (isDenied(admission)) refused = true
    else inventory.apply(upserted(object))
  }
  return { refused, inventory }
}

/** The reasons of the deny row on which bindings settle. */
const harmsIn = (inventory: ReturnType<typeof inventoryOf>): readonly string[] =>
  inventory
    .bindings()
    .flatMap((one) => evaluate(one, inventory).findings.slice(0, 1))
    .filter(({ rule }) => rules[rule].action === 'deny')
    .map(({ rule }) => rule)
    .toArray()

const [k8sPools, xPools] = poolResources.map(({ group }) => group)
const [, xObjectives, k8sObjectives] = objectiveResources.map(({ group }) => group)

const unsafe = { selector: {} }

describe('objects that are created are refused in every order or in none', () => {
  test('for any set of pools, objectives and bindings', () => {
    fc.assert(
      fc.property(setsOfObjects, (objects) => {
        const outcomes = permutationsOf(objects).map(create)
        const refusals = new Set(outcomes.map(({ refused }) => refused))
        expect([...refusals]).toHaveLength(1)
        if (refusals.has(true)) return
        for (const { inventory } of outcomes) expect(harmsIn(inventory)).toEqual([])
      }),
      { numRuns: sets },
    )
  })

  test.for<readonly [string, boolean, readonly Manifest[]]>([
    [
      'one pool name in both groups, safe and unsafe',
      true,
      [pool(), pool({ group: xPools, ...unsafe }), objective(), binding()],
    ],
    ['an unsafe pool and a binding whose objective is absent', true, [pool(unsafe), binding()]],
    [
      'an objective name in two groups with different pools',
      true,
      [
        pool(),
        pool({ name: 'twin' }),
        objective({ name: 'a', poolRef: { name: 'twin' } }),
        objective({ name: 'a', group: xObjectives, poolRef: { name: 'chat' } }),
        objective({ name: 'b' }),
        binding({ name: 'a', spec: { objectiveRef: { name: 'a' } } }),
        binding({ name: 'b', spec: { objectiveRef: { name: 'b' } } }),
      ],
    ],
    [
      'two bindings for one container of one pool, of objectives that never come',
      true,
      [pool(), binding({ name: 'a' }), binding({ name: 'b' })],
    ],
    [
      'two pools that select the same',
      true,
      [
        pool(),
        pool({ name: 'twin' }),
        objective(),
        objective({ name: 'twin', poolRef: { name: 'twin' } }),
        binding(),
        binding({ name: 'twin', spec: { poolRef: { name: 'twin' }, objectiveRef: { name: 'twin' } } }),
      ],
    ],
    [
      'a binding that has another name for the identity of another',
      false,
      [
        pool(),
        objective(),
        binding(),
        binding({ name: 'new', metadata: { annotations: { [replacesAnnotation]: 'chat' } } }),
      ],
    ],
    [
      'two newcomers for one',
      true,
      [
        pool(),
        objective(),
        binding({ name: 'a', metadata: { annotations: { [replacesAnnotation]: 'chat' } } }),
        binding({ name: 'b', metadata: { annotations: { [replacesAnnotation]: 'chat' } } }),
      ],
    ],
    [
      'one pool name in both groups, both safe',
      false,
      [pool({ group: k8sPools }), pool({ group: xPools }), objective({ group: k8sObjectives }), binding()],
    ],
  ])('%s', ([, refused, objects]) => {
    for (const order of permutationsOf(objects)) expect(create(order).refused).toBe(refused)
  })
})
