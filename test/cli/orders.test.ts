import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefused } from '../../src/cli/admissions.ts'
import { isSureOfOrder, orderLine } from '../../src/cli/orders.ts'
import { optionalResources } from '../../src/core/resources.ts'
import { setsOfObjects } from '../support/arbitraries.ts'
import { binding, defaultActions, objective, pool } from '../support/builders.ts'
import { permutationsOf } from '../support/permutations.ts'
import type { Manifest } from '../support/vectors.ts'
import { listOf, parsed } from './checking.ts'

const inputOf = (
  objects: readonly Manifest[],
  cluster: readonly Manifest[] = [],
): Parameters<typeof isSureOfOrder>[0] => ({
  settings: { trustDomain: 'example.org', className: undefined },
  served: optionalResources,
  cluster: parsed(listOf(cluster)).items.flatMap(({ manifest }) => manifest ?? []),
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
  const labelled = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', labels: { 'kleym.sonda.red/admission': 'warn' } },
  }
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

  const group = 'inference.networking.x-k8s.io'
  const shadowed = [objective({ poolRef: { name: 'other' } }), pool(), objective({ group }), binding()]

  test('is tried out where a loss is refused: there it decides', () => {
    const input = { ...inputOf(shadowed), actions: { ...defaultActions, onLoss: 'deny' as const } }
    expect(isSureOfOrder(input)).toBe(false)
    expect(endings(input).size).toBe(2)
    expect(orderLine(input, isRefused(input))).toContain('something of this would be refused')
  })

  test.each([
    ['a name twice', inputOf([...twins, binding({ name: 'a' })])],
    ['a new name', inputOf([renamed])],
    ['a Namespace that is labelled', inputOf([labelled, ...twins])],
    [
      'an action of its own',
      {
        ...inputOf(twins),
        actions: { ...defaultActions, overrides: { IdentityCollision: 'warn' as const } },
      },
    ],
    ['a cluster', inputOf(twins, twins)],
  ])('is tried out of %s', (_what, input) => {
    expect(isSureOfOrder(input)).toBe(false)
  })
})

const nothingElse = 'applied in another order, nothing of this is refused either'
const somethingElse = 'applied in another order, something of this is refused too'

/** The line on the order, and whether something is refused in the order given. */
const lineOn = (objects: readonly Manifest[], cluster: readonly Manifest[] = []): string => {
  const input = inputOf(objects, cluster)
  return orderLine(input, isRefused(input))
}

describe('the line on the order', () => {
  const around = [pool(), objective(), objective({ name: 'second' })]
  const held = binding({ name: 'z' })
  const gives = binding({ name: 'z', spec: { containerName: 'side' } })
  const takes = binding({ name: 'a', spec: { objectiveRef: { name: 'second' } } })
  const others = ['b', 'c', 'd', 'e', 'f'].map((name) =>
    binding({ name, spec: { objectiveRef: { name }, containerName: name } }),
  )

  test.each<[string, readonly Manifest[], readonly Manifest[], string]>([
    [
      'the binding that gives comes first',
      [gives, takes],
      [...around, held],
      'in the order of Flux, of Kustomize and in reverse, something of this would be refused',
    ],
    [
      'the binding that takes comes first',
      [takes, gives],
      [...around, held],
      'in reverse, nothing of this would be refused',
    ],
    [
      'an update gives, without a cluster',
      [...around, held, gives, takes],
      [],
      'in reverse, something of this would be refused',
    ],
    [
      'an update gives too late, without a cluster',
      [...around, held, takes, gives],
      [],
      'in another order, nothing of this would be refused: InferencePool default/chat, InferenceObjective default/chat, InferenceObjective default/second, InferenceIdentityBinding default/z, InferenceIdentityBinding default/z, InferenceIdentityBinding default/a',
    ],
    ['nothing depends on it', [gives], [...around, held], nothingElse],
    ['what collides is there', [takes, binding({ name: 'b' })], [...around, held], somethingElse],
    [
      'there are too many for every order',
      [gives, ...others],
      [...around, held],
      'in the order of Helm, of Flux, of Kustomize and in reverse, nothing of this is refused either; no other order was tried',
    ],
    [
      'there are too many, and one is refused',
      [takes, ...others],
      [...around, held],
      'in the order of Helm, of Flux, of Kustomize and in reverse, something of this is refused too; no other order was tried',
    ],
  ])('where %s', (_what, objects, cluster, line) => {
    expect(lineOn(objects, cluster)).toBe(line)
  })

  test('says of Flux that its dry run is refused, although the order is right', () => {
    const renamed = { ...gives, metadata: { ...gives.metadata, name: 'b' } }
    const right = [renamed, { ...takes, metadata: { ...takes.metadata, name: 'c' } }]
    const before = binding({ name: 'b' })
    expect(lineOn(right, [...around, before])).toBe(
      'in the order of Flux and in reverse, something of this would be refused',
    )
  })

  test('leaves a Namespace where it stands, and puts it first where a tool does', () => {
    const labelled = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'default', labels: { 'kleym.sonda.red/admission': 'warn' } },
    }
    expect(lineOn([labelled, ...around, held, takes])).toBe(
      'applied in another order that leaves the Namespaces where they are, nothing of this is refused either',
    )
    expect(lineOn([...around, held, takes, labelled])).toBe(
      'in the order of Helm, of Flux and of Kustomize, nothing of this would be refused',
    )
  })

  test('is never wrong about orders that keep the versions of an object in theirs', () => {
    fc.assert(
      fc.property(setsOfObjects, setsOfObjects, fc.boolean(), (some, more, isLive) => {
        const input = isLive
          ? inputOf(more.slice(0, 3), some)
          : inputOf([...some.slice(0, 3), ...more.slice(0, 2)])
        const line = orderLine(input, isRefused(input))
        const ends = [...endingsOfVersions(input)]
        const alike = ends[0] ? somethingElse : nothingElse
        const isSaidOfAll = [nothingElse, somethingElse].includes(line)
        expect({ isSaidOfAll, line }).toEqual({
          isSaidOfAll: ends.length === 1,
          line: isSaidOfAll ? alike : line,
        })
      }),
      { numRuns: 100 },
    )
  })
})

/** Whether something is refused, in each order in which the versions of an object follow one another as they are given. */
function endingsOfVersions(input: ReturnType<typeof inputOf>): ReadonlySet<boolean> {
  const nameOf = ({ group, kind, namespace, name }: (typeof input.items)[number]): string =>
    [group, kind, namespace, name].join(' ')
  const keeps = (items: typeof input.items): boolean =>
    items.every((item, at) =>
      items
        .slice(at + 1)
        .every(
          (later) => nameOf(later) !== nameOf(item) || input.items.indexOf(item) < input.items.indexOf(later),
        ),
    )
  const orders = permutationsOf(input.items).filter(keeps)
  return new Set(orders.map((items) => isRefused({ ...input, items })))
}
