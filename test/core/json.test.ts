import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical, sameJson } from '../../src/core/json.ts'

const json = fc.jsonValue({ maxDepth: 4 })

test('two values are the same JSON where their canonical texts are', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(sameJson(a, b)).toBe(canonical(a) === canonical(b))
      expect(sameJson(a, JSON.parse(canonical(a)))).toBe(true)
    }),
  )
})

test.for([
  [{ a: undefined }, {}, true],
  [{ a: undefined, b: 1 }, { b: 1, c: undefined }, true],
  [{ a: undefined }, { b: 1 }, false],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  [[1, 2], [2, 1], false],
  [[1], { 0: 1 }, false],
  [{}, [], false],
  [{ toString: 1 }, {}, false],
  [null, {}, false],
  [{ a: null }, {}, false],
  ['1', 1, false],
] as const)('%j and %j: %s', ([a, b, same]) => {
  expect(sameJson(a, b)).toBe(same)
  expect(sameJson(b, a)).toBe(same)
})
