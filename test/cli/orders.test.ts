import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefused } from '../../src/cli/assess.ts'
import { isSureOfOrder } from '../../src/cli/orders.ts'
import { optionalResources } from '../../src/core/resources.ts'
import { setsOfObjects } from '../support/arbitraries.ts'
import { binding, defaultActions, objective, pool } from '../support/builders.ts'
import { permutationsOf } from '../support/permutations.ts'
import type { Manifest } from '../support/vectors.ts'
import { listOf, parsed } from './checking.ts'

const inputOf = (objects: readonly Manifest[]): Parameters<typeof isSureOfOrder>[0] => ({
  settings: { trustDomain: 'example.org', className: undefined },
  served: optionalResources,
  cluster: [],
  items: parsed(listOf(objects)).items,
  actions: defaultActions,
  lenient: new Set(),
  pods: new Map(),
  now: new Date(0),
})

/** Whether something is refused, in each order. */
const endings = (input: ReturnType<typeof inputOf>): ReadonlySet<boolean> =>
  new Set(permutationsOf(input.items).map((items) => isRefused({ ...input, items })))

describe('that the order decides nothing', () => {
  test('is only taken for granted where it is so', () => {
    fc.assert(
      fc.property(setsOfObjects, (objects) => {
        const input = inputOf(objects.slice(0, 5))
        fc.pre(isSureOfOrder(input))
        expect(endings(input).size).toBe(1)
      }),
      { numRuns: 60 },
    )
  })

  const twins = [pool(), objective(), binding({ name: 'a' }), binding({ name: 'b' })]
  const renamed = binding({ metadata: { annotations: { 'kleym.sonda.red/replaces': 'old' } } })
  const late = [pool({ group: 'inference.networking.x-k8s.io', selector: {} }), binding()]

  test('is taken for granted of objects that are created, refused or not', () => {
    expect([twins, late, twins.slice(0, 3)].map((one) => isSureOfOrder(inputOf(one)))).toEqual([
      true,
      true,
      true,
    ])
  })

  test('is tried out where references only warn: there it decides', () => {
    const input = { ...inputOf(late), actions: { ...defaultActions, onReferences: 'warn' as const } }
    expect(isSureOfOrder(input)).toBe(false)
    expect(endings(input).size).toBe(2)
  })

  test.each([
    ['a name twice', inputOf([...twins, binding({ name: 'a' })])],
    ['a new name', inputOf([renamed])],
    [
      'an action of its own',
      {
        ...inputOf(twins),
        actions: { ...defaultActions, overrides: { IdentityCollision: 'warn' as const } },
      },
    ],
    [
      'a cluster',
      { ...inputOf(twins), cluster: inputOf(twins).items.flatMap(({ manifest }) => manifest ?? []) },
    ],
  ])('is tried out of %s', (_what, input) => {
    expect(isSureOfOrder(input)).toBe(false)
  })
})
