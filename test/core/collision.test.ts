import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collisionMessage } from '../../src/core/checks/collision.ts'
import { canonical } from '../../src/core/json.ts'
import { collisionKey, podLabels, type Labels } from '../../src/core/selectors.ts'
import { labels, names } from '../support/arbitraries.ts'
import { binding, evaluationOf, objective, pool, poolOnly, reasonsOf, told } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

const good = [pool(), objective()]

const peers = (...others: readonly Manifest[]): readonly string[] =>
  reasonsOf(evaluationOf(binding({ name: 'a' }), [...good, ...others]))

describe('who collides', () => {
  test.each([
    ['another service account', binding({ name: 'b', spec: { serviceAccountName: 'other' } })],
    ['another container', binding({ name: 'b', spec: { containerName: 'other' } })],
    ['another namespace', binding({ name: 'b', namespace: 'other' })],
    ['PoolOnly', poolOnly({ name: 'b' })],
    ['a deleting peer', binding({ name: 'b', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    ['a peer that fails an earlier check', binding({ name: 'b', spec: { objectiveRef: { name: 'x' } } })],
  ])('not with %s', (_title, other) => {
    expect(peers(other, pool({ namespace: 'other' }), objective({ namespace: 'other' }))).toStrictEqual([])
  })

  test.each([
    ['without a mode', binding({ name: 'b', spec: { mode: undefined } }), []],
    [
      'by an empty list of expressions',
      binding({ name: 'b', spec: { poolRef: { name: 'b' }, objectiveRef: { name: 'b' } } }),
      [
        pool({ name: 'b', selector: { matchLabels: { app: 'chat' }, matchExpressions: [] } }),
        objective({ name: 'b', poolRef: { name: 'b' } }),
      ],
    ],
    [
      'by a flat selector of the other group',
      binding({ name: 'b', spec: { poolRef: { name: 'b' }, objectiveRef: { name: 'b' } } }),
      [
        pool({ name: 'b', group: 'inference.networking.x-k8s.io', selector: { app: 'chat' } }),
        objective({ name: 'b', poolRef: { name: 'b' } }),
      ],
    ],
  ])('a peer %s does', (_title, other, more) => {
    expect(peers(other, ...more)).toStrictEqual(['IdentityCollision'])
  })

  test('a binding that collides still has a known identity, so that the end of the collision is noticed', () => {
    const { identity } = evaluationOf(binding({ name: 'a' }), [...good, binding({ name: 'b' })])
    expect(identity?.spiffeId).toBe('spiffe://example.org/ns/default/objective/chat')
  })

  test('each of two names the other, and the key that is contested', () => {
    const [a, b] = [binding({ name: 'a' }), binding({ name: 'b' })]
    const { findings } = evaluationOf(a, [...good, b])
    const twin = evaluationOf(b, [...good, a]).findings
    expect(findings.map(told)).toStrictEqual(['IdentityCollision spec.containerName Duplicate "main"'])
    expect(findings[0]?.message).toContain('bindings b:')
    expect(twin[0]?.message).toContain('bindings a:')
    expect(findings[0]?.collisionKey).toBe(twin[0]?.collisionKey)
  })
})

const opening = 'identity collision with bindings '
const ending = ': PerObjective bindings must not share the same pod selector and container name'

describe('the message of a collision', () => {
  test('is exact, its peers sorted by bytes and without the binding itself', () => {
    const others = ['b', 'a.b', 'a-b', 'a0', 'aa'].map((name) => binding({ name }))
    const { findings } = evaluationOf(binding({ name: 'a' }), [...good, ...others])
    expect(findings.map(({ message }) => message)).toStrictEqual([`${opening}a-b, a.b, a0, aa, b${ending}`])
  })

  test('may have 30,000 bytes, and not one more', () => {
    const room = 30_000 - opening.length - ending.length
    const name = 'a'.repeat(room)
    expect(collisionMessage([name])).toHaveLength(30_000)
    expect(collisionMessage([`${name}a`])).toBe(opening + ending)
  })

  test.each([1, 62, 253])('is cut after a whole name of %i characters', (length) => {
    const many = Array.from({ length: 40_000 / length }, (_, index) =>
      String(index).padStart(5, '0').padEnd(length, 'x').slice(-Math.max(length, 5)),
    )
    const message = collisionMessage(many.toReversed())
    const named = message.slice(opening.length, -ending.length).split(', ')
    expect(message.length).toBeLessThanOrEqual(30_000)
    expect(message.length).toBeGreaterThan(30_000 - 2 - Math.max(length, 5))
    expect(named).toStrictEqual(many.toSorted().slice(0, named.length))
  })

  test('names the first that fit: a later, shorter name does not slip in behind a gap', () => {
    const long = 'b'.repeat(29_990)
    expect(collisionMessage(['a', long, 'c'])).toBe(`${opening}a${ending}`)
  })
})

const keyFor = (one: Labels): string => collisionKey('ns', podLabels(one), [], 'c')

describe('collision keys', () => {
  const tuple = fc.record({
    namespace: names,
    labels,
    selectors: fc.array(fc.string(), { maxLength: 4 }),
    container: fc.string(),
  })
  type Tuple = typeof tuple extends fc.Arbitrary<infer T> ? T : never
  const keyOf = (t: Tuple): string => collisionKey(t.namespace, podLabels(t.labels), t.selectors, t.container)

  test('are equal for equal tuples only', () => {
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        const [sortedA, sortedB] = [a, b].map((t) => ({ ...t, labels: canonical(t.labels) }))
        expect(keyOf(a) === keyOf(b)).toBe(JSON.stringify(sortedA) === JSON.stringify(sortedB))
      }),
    )
  })

  test('can not be forged by text that looks like their frame', () => {
    const hostile = fc.constantFrom('"', ',', '",', '["', '"]', '\\', '\\"', '{', '}', ':', 'a', '')
    const text = fc.array(hostile, { maxLength: 4 }).map((parts) => parts.join(''))
    const none = podLabels({})
    const lists = fc.tuple(fc.array(text, { maxLength: 3 }), text)
    fc.assert(
      fc.property(lists, lists, ([a, x], [b, y]) => {
        const isSame = a.length === b.length && a.every((item, index) => item === b[index]) && x === y
        expect(collisionKey('ns', none, a, x) === collisionKey('ns', none, b, y)).toBe(isSame)
      }),
      { numRuns: 500 },
    )
  })

  test('do not depend on the order in which labels were written', () => {
    fc.assert(
      fc.property(labels, (some) => {
        const reversed = Object.fromEntries(Object.entries(some).toReversed())
        expect(keyFor(reversed)).toBe(keyFor(some))
      }),
    )
  })
})
