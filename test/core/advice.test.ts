import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { advise } from '../../src/core/advice.ts'
import { decodeBinding, replacesAnnotation } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules, type Finding } from '../../src/core/findings.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import { bindings, objectives, pools } from '../support/arbitraries.ts'
import { binding, inventoryOf, objective, pool, poolOnly, removed, told } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

function adviceFor(one: Manifest, inventory: Inventory): readonly Finding[] {
  const decoded = decodeBinding(one)
  return advise(decoded, evaluate(decoded, inventory), inventory)
}

const given = (one: Manifest, others: readonly Manifest[]): readonly string[] =>
  adviceFor(one, inventoryOf(others)).map(told)

/** Its name is that of its pool and objective, whose pods it selects. */
const own = (name: string, matchLabels: Readonly<Record<string, string>>): readonly Manifest[] => [
  pool({ name, selector: { matchLabels } }),
  objective({ name, poolRef: { name } }),
]
const refs = (name: string) => ({ poolRef: { name }, objectiveRef: { name } })
const using = (name: string, spec: Readonly<Record<string, unknown>> = {}): Manifest =>
  binding({ name, spec: { ...refs(name), ...spec } })

const wide = [...own('wide', { app: 'chat' }), using('wide')]
const narrow = [...own('narrow', { app: 'chat', tier: 'gold' }), using('narrow')]
const apart = [...own('apart', { app: 'chat', tier: 'silver' }), using('apart')]

const allOf = (name: string, spec: Readonly<Record<string, unknown>> = {}) =>
  poolOnly({ name: `all-${name}`, spec: { poolRef: { name }, ...spec } })

const nested = [
  ...own('wide', { app: 'chat' }),
  ...own('narrow', { app: 'chat', tier: 'gold' }),
  ...own('apart', { app: 'chat', tier: 'silver' }),
]
const modes = [using, allOf]

const overlapOf = (name: string) => `OverlappingSelector spec.poolRef.name Invalid "${name}"`

const twin = (name: string) => binding({ name, spec: { containerName: `container-of-${name}` } })

const twins = (count: number) => Array.from({ length: count }, (_, index) => twin(`b${index}`))

const idOf = (length: number): string =>
  'o'.repeat(length - 'spiffe://example.org/ns/default/objective/'.length)

const label = (bytes: number) => {
  const value = 'v'.repeat(63)
  const key = `${'k'.repeat(bytes - `k8s:pod-label:/key:${value}`.length)}/key`
  return [pool({ selector: { matchLabels: { [key]: value } } }), objective()]
}

const named = (object: Manifest): Manifest => ({
  ...object,
  metadata: { ...object.metadata, name: `${object.metadata.name}-of-${object.metadata.namespace}` },
})

const replacing = (one: Manifest, name: string): Manifest => ({
  ...one,
  metadata: { ...one.metadata, annotations: { [replacesAnnotation]: name } },
})

describe('a selector', () => {
  test.for<readonly [string, Manifest, readonly Manifest[], readonly string[]]>([
    [
      'that contains another’s is said to',
      using('wide'),
      narrow,
      ['OverlappingSelector spec.poolRef.name Invalid "wide"'],
    ],
    [
      'that another’s contains is said to',
      using('narrow'),
      wide,
      ['OverlappingSelector spec.poolRef.name Invalid "narrow"'],
    ],
    ['that neither contains nor is contained is fine', using('narrow'), apart, []],
    ['for another container is fine', using('wide', { containerName: 'side' }), narrow, []],
    ['for another service account is fine', using('wide', { serviceAccountName: 'other' }), narrow, []],
  ])('%s', ([, one, others, expected]) => {
    expect(
      given(one, [
        ...own('wide', { app: 'chat' }),
        ...own('narrow', { app: 'chat', tier: 'gold' }),
        ...others,
      ]),
    ).toEqual(expected)
  })

  test('names who selects the same pods, and says for which container', () => {
    const [found] = adviceFor(using('wide'), inventoryOf([...wide, ...narrow, ...apart]))
    expect(found?.message).toContain(
      'spec.poolRef.name "wide": its pods are also selected, for the same service account and container, by apart, narrow',
    )
  })

  test.for(modes.flatMap((one) => modes.map((other) => [one, other] as const)))(
    'that includes the other is warned of in every mode (%#)',
    ([one, other]) => {
      expect(given(one('wide'), [...nested, other('narrow')])).toEqual([overlapOf('wide')])
      expect(given(one('narrow'), [...nested, other('wide')])).toEqual([overlapOf('narrow')])
      expect(given(one('narrow'), [...nested, other('apart')])).toEqual([])
      expect(given(one('wide'), [...nested, other('narrow', { serviceAccountName: 'other' })])).toEqual([])
    },
  )

  test('for one container is compared with those for all containers, and theirs with it', () => {
    const side = using('narrow', { containerName: 'side' })
    const found = adviceFor(allOf('wide'), inventoryOf([...nested, side, using('narrow')]))
    expect(found.map(told)).toEqual([overlapOf('wide')])
    expect(given(side, [...nested, allOf('wide'), using('wide')])).toEqual([
      'OverlappingSelector spec.poolRef.name Invalid "narrow"',
    ])
  })

  test('gives no advice about a binding that is gone, container by container', () => {
    const inventory = inventoryOf([...nested, using('narrow'), using('narrow', { containerName: 'side' })])
    inventory.apply(removed(using('narrow')))
    expect(adviceFor(allOf('wide'), inventory)).toEqual([])
  })

  test('of a PoolOnly binding is compared with those of other PoolOnly bindings', () => {
    const others = [
      ...own('wide', { app: 'chat' }),
      ...own('narrow', { app: 'chat', tier: 'gold' }),
      allOf('narrow'),
    ]
    const [found, ...rest] = adviceFor(allOf('wide'), inventoryOf(others))
    expect(found?.message).toContain('for the same service account, by all-narrow')
    expect(rest).toEqual([])
  })
})

describe('a SPIFFE ID', () => {
  const scene = [pool(), objective()]

  test('that another binding gives too is warned of, with the name of that binding', () => {
    const [found] = adviceFor(binding(), inventoryOf([...scene, twin('b'), twin('a')]))
    expect(found && told(found)).toBe('SharedSPIFFEID spec.objectiveRef.name Duplicate "chat"')
    expect(found?.message).toContain('spiffe://example.org/ns/default/objective/chat is also given by a, b')
  })

  test('that no other binding gives is fine, also when the binding is judged again', () => {
    expect(given(binding(), [...scene, binding()])).toEqual([])
  })

  test('of ten others names ten, of eleven it says that there are others', () => {
    const [ten] = adviceFor(binding(), inventoryOf([...scene, ...twins(10)]))
    expect(ten?.message).toMatch(/given by b0, b1, .*, b9;/)
    const [eleven] = adviceFor(binding(), inventoryOf([...scene, ...twins(11)]))
    expect(eleven?.message).toMatch(/given by (b\d+, ){9}b\d+ and others;/)
  })

  test('or a selector over 255 bytes is said to be too long for some SPIRE servers', () => {
    for (const [length, expected] of [
      [255, []],
      [256, ['LongIdentity']],
    ] as const) {
      const name = idOf(length)
      const one = binding({ spec: { objectiveRef: { name } } })
      expect(
        adviceFor(one, inventoryOf([pool(), objective({ name })])).map(({ rule }) => rules[rule].reason),
      ).toEqual(expected)
    }
    expect(given(binding(), label(255))).toEqual([])
    expect(given(binding(), label(256))).toEqual([
      expect.stringMatching(/^LongIdentity spec\.poolRef\.name Invalid "k8s:pod-label:k+/),
    ])
    const serviceAccountName = 'a'.repeat(250)
    expect(given(binding({ spec: { serviceAccountName } }), [pool(), objective()])).toEqual([
      `LongIdentity spec.serviceAccountName Invalid "k8s:sa:${serviceAccountName}"`,
    ])
  })
})

test('an overlap is found among any number of neighbours that share a label', () => {
  const shared = { 'app.kubernetes.io/part-of': 'chat' }
  const crowd = Array.from({ length: 300 }, (_, index) => `n${index}`)
  const others = crowd.flatMap((name) => [...own(name, { ...shared, name }), using(name)])
  const within = own('within', { ...shared, name: 'n299', zone: 'a' })
  expect(given(using('within'), [...others, ...within])).toEqual([
    'OverlappingSelector spec.poolRef.name Invalid "within"',
  ])
})

describe('the modes', () => {
  const scene = [pool(), objective()]

  test('on one pool and service account should be one', () => {
    expect(given(binding(), [...scene, poolOnly({ name: 'all' })])).toEqual([
      'MixedModes spec.mode Invalid "PerObjective"',
    ])
    expect(given(poolOnly({ name: 'all' }), [...scene, binding()])).toEqual([
      'MixedModes spec.mode Invalid "PoolOnly"',
    ])
  })

  test('that are mixed leave to chance which identity a client takes, and the advice says so', () => {
    const [found] = adviceFor(binding(), inventoryOf([...scene, poolOnly({ name: 'all' })]))
    expect(found?.message).toContain('which of them a client takes by default is left to chance')
  })

  test('may differ between two pools of one name', () => {
    const elsewhere = { group: 'inference.networking.x-k8s.io' }
    const namesake = pool({ ...elsewhere, selector: { other: 'x' } })
    const there = poolOnly({ name: 'all', spec: { poolRef: { name: 'chat', ...elsewhere } } })
    expect(given(binding(), [...scene, namesake, there])).toEqual([])
    expect(given(there, [...scene, namesake, binding()])).toEqual([])
  })

  test('may differ between pools and between service accounts', () => {
    const others = [...scene, ...own('second', { app: 'second' })]
    expect(
      given(binding(), [...others, poolOnly({ name: 'all', spec: { poolRef: { name: 'second' } } })]),
    ).toEqual([])
    expect(
      given(binding(), [...others, poolOnly({ name: 'all', spec: { serviceAccountName: 'x' } })]),
    ).toEqual([])
  })
})

describe('a new name for another binding', () => {
  const scene = [pool(), objective()]
  const sharedId = 'SharedSPIFFEID spec.objectiveRef.name Duplicate "chat"'

  test('that gives the same identity to the same workloads gets no advice about that one', () => {
    const second = replacing(binding({ name: 'second' }), 'chat')
    expect(given(second, [...scene, binding()])).toEqual([])
    expect(given(binding(), [...scene, second])).toEqual([])
  })

  test.each([
    ['another container', { containerName: 'side' }, [sharedId]],
    ['another service account', { serviceAccountName: 'other' }, [sharedId]],
  ])('that serves %s gets the same advice as without the annotation', (_what, spec, expected) => {
    const plain = binding({ name: 'second', spec })
    const second = replacing(plain, 'chat')
    expect(given(plain, [...scene, binding()])).toEqual(expected)
    expect(given(second, [...scene, binding()])).toEqual(expected)
    expect(given(binding(), [...scene, second])).toEqual(expected)
  })

  test('whose pods are others gets the same advice as without the annotation', () => {
    const group = 'inference.networking.x-k8s.io'
    const objects = [pool(), pool({ group, selector: { app: 'chat', tier: 'gold' } })]
    const gold = poolOnly({ name: 'gold', spec: { poolRef: { name: 'chat', group } } })
    const expected = [
      'OverlappingSelector spec.poolRef.name Invalid "chat"',
      'SharedSPIFFEID spec.poolRef.name Duplicate "chat"',
    ]
    expect(given(gold, [...objects, poolOnly()])).toEqual(expected)
    expect(given(replacing(gold, 'chat'), [...objects, poolOnly()])).toEqual(expected)
    expect(given(poolOnly(), [...objects, replacing(gold, 'chat')])).toEqual(expected)
  })
})

describe('whatever there is', () => {
  const worlds = fc.array(fc.oneof({ weight: 3, arbitrary: bindings }, pools, objectives), { maxLength: 14 })

  test('a binding without an identity, or with a collision, gets no advice', () => {
    fc.assert(
      fc.property(bindings, worlds, (one, others) => {
        const inventory = inventoryOf(others)
        const { identity, findings } = evaluate(decodeBinding(one), inventory)
        if (identity && !findings.some(({ rule }) => rule === 'identityCollision')) return
        expect(adviceFor(one, inventory)).toEqual([])
      }),
    )
  })

  test('advice is a warning, on a field of the spec, and each kind is given once', () => {
    fc.assert(
      fc.property(bindings, worlds, (one, others) => {
        const found = adviceFor(one, inventoryOf(others))
        for (const { rule, field } of found) {
          expect(rules[rule].action).toBe('warn')
          expect(field).toMatch(/^spec\./)
        }
        expect(new Set(found.map(({ rule }) => rule)).size).toBe(found.length)
      }),
    )
  })

  test('no binding of another namespace, and not the one itself, is named', () => {
    fc.assert(
      fc.property(bindings, worlds, (one, others) => {
        const renamed = others.map((object) => (object.kind === one.kind ? named(object) : object))
        const self = named(one)
        const foreign = self.metadata.namespace === 'default' ? '-of-other' : '-of-default'
        for (const { message } of adviceFor(self, inventoryOf([...renamed, self]))) {
          expect(message).not.toContain(foreign)
          expect(message).not.toMatch(new RegExp(`by .*\\b${self.metadata.name}\\b`))
        }
      }),
    )
  })

  test('advice about a neighbour is given to the neighbour too', () => {
    const mutual = new Set(['overlappingSelector', 'sharedSpiffeId', 'mixedModes'])
    fc.assert(
      fc.property(worlds, (objects) => {
        const inventory = inventoryOf(objects)
        for (const one of inventory.bindings().filter(({ deleting }) => !deleting)) {
          for (const { rule, message } of advise(one, evaluate(one, inventory), inventory)) {
            if (!mutual.has(rule)) continue
            const [, names = ''] = / (?:by|account) ([a-c](?:, [a-c])*)(?: is|;)/.exec(message) ?? []
            const others = names
              .split(', ')
              .flatMap((name) => inventory.binding(`${one.namespace}/${name}`) ?? [])
            expect(others).not.toEqual([])
            for (const other of others) {
              const evaluation = evaluate(other, inventory)
              if (evaluation.findings.some((finding) => finding.rule === 'identityCollision')) continue
              expect(advise(other, evaluation, inventory).map((finding) => finding.rule)).toContain(rule)
            }
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
