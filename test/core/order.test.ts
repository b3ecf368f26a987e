import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { admit, isDenied } from '../../src/core/admit.ts'
import { replacesAnnotation } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules } from '../../src/core/findings.ts'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import { setsOfObjects } from '../support/arbitraries.ts'
import {
  binding,
  defaultActions,
  inventoryOf,
  objective,
  pool,
  removed,
  upserted,
} from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'

/** How many sets are tried. More of them take minutes. */
const sets = Number(process.env['KLEYM_TEST_SETS'] ?? 300)

/** How the creation of some objects ended, in one order. */
type Ending = { readonly refused: boolean; readonly harms: readonly string[] }

/** Creates objects in every order, each beside those that got in, and tells of the endings that differ. */
function endingsOf(objects: readonly Manifest[]): readonly Ending[] {
  const inventory = inventoryOf([])
  const endings = new Map<string, Ending>()
  const create = (rest: readonly Manifest[], refused: boolean): void => {
    if (rest.length === 0) {
      const ending = { refused, harms: harmsIn(inventory) }
      endings.set(JSON.stringify(ending), ending)
    }
    for (const [at, object] of rest.entries()) {
      const { namespace = '', name } = object.metadata
      const applied = { resource: resourceOf(object), namespace, name, object }
      const isRefused = isDenied(admit(applied, inventory, defaultActions))
      if (!isRefused) inventory.apply(upserted(object))
      create(rest.toSpliced(at, 1), refused || isRefused)
      if (!isRefused) inventory.apply(removed(object))
    }
  }
  create(objects, false)
  return [...endings.values()]
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
        const endings = endingsOf(objects)
        const [first] = endings
        expect(endings.filter(({ refused }) => refused !== first?.refused)).toEqual([])
        expect(endings.filter(({ refused, harms }) => !refused && harms.length > 0)).toEqual([])
      }),
      { numRuns: sets },
    )
  }, 300_000)

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
      'an objective name in two groups with different pools, beside a binding of another pool',
      true,
      [
        pool({ selector: { matchLabels: { app: 'other' } } }),
        pool({ name: 'chat', group: xPools }),
        pool({ name: 'twin' }),
        objective({ name: 'b', poolRef: { name: 'twin' } }),
        objective({ name: 'a' }),
        binding({ name: 'a', spec: { objectiveRef: { name: 'a' } } }),
        binding({ name: 'b', spec: { poolRef: { name: 'twin' }, objectiveRef: { name: 'b' } } }),
      ],
    ],
    [
      'one of two for one container, that waits, and the other, that does not',
      true,
      [pool(), objective(), binding(), binding({ name: 'waits', spec: { objectiveRef: { name: 'later' } } })],
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
    expect(new Set(endingsOf(objects).map((ending) => ending.refused))).toEqual(new Set([refused]))
  })
})
