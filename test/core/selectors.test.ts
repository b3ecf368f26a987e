import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical } from '../../src/core/json.ts'
import { decodePodSelector, podLabels, podSelectorOf, workloadSelectors } from '../../src/core/selectors.ts'
import { hostileJson, labels } from '../support/arbitraries.ts'

describe("a pool's selector", () => {
  test.each([
    [{ matchLabels: { app: 'a' } }],
    [{ matchLabels: { app: 'a' }, matchExpressions: [] }],
    [{ app: 'a' }],
  ])('%j has one canonical form', (selector) => {
    expect(decodePodSelector(selector)).toStrictEqual({ kind: 'labels', pods: podLabels({ app: 'a' }) })
  })

  test('selector without matchLabels is a flat map of labels, also if one label is called matchExpressions', () => {
    expect(decodePodSelector({ matchExpressions: 'a', z: 'b' })).toStrictEqual({
      kind: 'labels',
      pods: podLabels({ matchExpressions: 'a', z: 'b' }),
    })
  })

  test.each([
    [undefined, 'spec.selector is missing'],
    [null, 'spec.selector null is not an object'],
    ['app=a', 'spec.selector "app=a" is not an object'],
    [[], 'spec.selector […] is not an object'],
    [{}, 'is empty'],
    [{ matchLabels: null }, 'matchLabels null is not an object'],
    [{ matchLabels: 'app' }, 'matchLabels "app" is not an object'],
    [{ matchLabels: [] }, 'matchLabels […] is not an object'],
    [{ matchLabels: {} }, 'matchLabels is empty'],
    [{ matchLabels: {}, matchExpressions: [] }, 'matchLabels is empty'],
    [{ matchLabels: { app: 'a' }, matchExpressions: null }, 'matchExpressions null is not a list'],
    [{ matchLabels: { app: 'a' }, matchExpressions: {} }, 'matchExpressions {…} is not a list'],
    [{ matchLabels: { app: 'a' }, matchExpressions: [{}] }, 'matchExpressions is not empty'],
    [{ matchExpressions: [] }, 'matchExpressions alone'],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, 'matchExpressions alone'],
    [{ matchLabels: { app: 'a' }, app: 'a' }, 'the unknown field "app"'],
    [{ matchLabels: { app: 'a' }, z: 1, b: 1 }, 'the unknown field "b"'],
    [{ app: 'a', n: 7 }, '["n"] 7 is not a string'],
    [{ app: { a: 'b' } }, '["app"] {…} is not a string'],
    [{ matchLabels: { app: null } }, '["app"] null is not a string'],
    [{ matchLabels: { app: true } }, '["app"] true is not a string'],
    [
      { matchLabels: { app: '' } },
      '["app"] "" is not a non-empty label value: give it a value or remove the key',
    ],
    [{ matchLabels: { app: ' a' } }, '["app"] " a" is not a non-empty label value'],
    [{ matchLabels: { app: '{{.}}' } }, '["app"] "{{.}}" is not a non-empty label value'],
    [{ matchLabels: { app: 'x'.repeat(64) } }, 'is not a non-empty label value'],
    [{ matchLabels: { '': 'a' } }, '[""] is not a label key'],
    [{ matchLabels: { 'a:b': 'a' } }, '["a:b"] is not a label key'],
    [{ matchLabels: { 'a b': '', c: '' } }, '["a b"] is not a label key'],
    [{ matchLabels: { c: '', b: '', a: 'fine' } }, '["b"]'],
    [{ b: '', B: '' }, '["B"]'],
    [{ '\u{1F600}': 'a', '\uff5e': 'a' }, '["\uff5e"] is not a label key'],
  ])('%j is unusable: %s', (selector, problem) => {
    expect(decodePodSelector(selector)).toMatchObject({
      kind: 'unusable',
      problem: expect.stringContaining(problem),
    })
  })

  test.each([
    ['{"matchLabels":{"__proto__":"a"}}', '["__proto__"] is not a label key'],
    ['{"__proto__":{"matchLabels":{"app":"a"}}}', '["__proto__"] is not a label key'],
    ['{"matchLabels":{"app":"a"},"__proto__":{}}', 'the unknown field "__proto__"'],
    ['{"constructor":{"name":"a"}}', '["constructor"] {…} is not a string'],
  ])('%s is read by its own keys alone', (json, problem) => {
    expect(decodePodSelector(JSON.parse(json))).toMatchObject({
      problem: expect.stringContaining(problem),
    })
  })

  test.each([['constructor'], ['toString'], ['valueOf']])('a label may be called %s', (key) => {
    expect(decodePodSelector({ matchLabels: { [key]: 'a' } })).toMatchObject({ kind: 'labels' })
    expect(decodePodSelector({ [key]: 'a' })).toMatchObject({ kind: 'labels' })
  })

  test('is read from any JSON, and its canonical form is read as itself', () => {
    fc.assert(
      fc.property(fc.oneof(hostileJson, labels), (json) => {
        const once = decodePodSelector(json)
        const again = once.kind === 'labels' ? decodePodSelector(podSelectorOf(once.pods.labels)) : once
        expect(again).toStrictEqual(once)
      }),
    )
  })
})

describe('workload selectors', () => {
  test('are sorted by bytes', () => {
    const some = podLabels({ z: 'a', 'a/b': 'a', A: 'a', a: 'b', 'a-': 'x', 0: '1' })
    expect(workloadSelectors('ns', 'sa', some, 'main')).toStrictEqual([
      'k8s:container-name:main',
      'k8s:ns:ns',
      'k8s:pod-label:0:1',
      'k8s:pod-label:A:a',
      'k8s:pod-label:a-:x',
      'k8s:pod-label:a/b:a',
      'k8s:pod-label:a:b',
      'k8s:pod-label:z:a',
      'k8s:sa:sa',
    ])
  })

  test('name no container where there is none', () => {
    expect(workloadSelectors('ns', 'sa', podLabels({ a: 'b' }), undefined)).toStrictEqual([
      'k8s:ns:ns',
      'k8s:pod-label:a:b',
      'k8s:sa:sa',
    ])
  })

  test('do not depend on the order of labels, and none repeats', () => {
    fc.assert(
      fc.property(labels, (some) => {
        const reversed = Object.fromEntries(Object.entries(some).toReversed())
        const selectors = workloadSelectors('ns', 'sa', podLabels(some), 'main')
        expect(workloadSelectors('ns', 'sa', podLabels(reversed), 'main')).toStrictEqual(selectors)
        expect(new Set(selectors).size).toBe(selectors.length)
      }),
    )
  })
})

test('canonical JSON is canonical already, whatever the order of the keys', () => {
  fc.assert(
    fc.property(hostileJson, (json) => {
      const text = canonical(json)
      expect(canonical(JSON.parse(text))).toBe(text)
      expect(canonical(reordered(json))).toBe(text)
      // A field called `constructor` confuses toStrictEqual.
      expect(isDeepStrictEqual(JSON.parse(text), json)).toBe(true)
    }),
  )
})

function reordered(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(reordered)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json)
      .toReversed()
      .map(([key, value]) => [key, reordered(value)]),
  )
}
