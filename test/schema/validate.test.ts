import { describe, expect, test } from 'vitest'
import { hasNull } from '../../src/schema/defaults.ts'
import { validate } from '../../src/schema/validate.ts'

const causes = (...args: Parameters<typeof validate>): readonly string[] =>
  validate(...args).map(({ field, message }) => `${field}: ${message}`)

describe('a string is measured in characters, not in what JavaScript counts', () => {
  const schema = { properties: { a: { type: 'string', minLength: 2, maxLength: 3 } } } as const

  test.each(['ab', 'abc', '😀😀', '😀😀😀', 'a😀'])('%s fits', (a) => {
    expect(causes({ a }, schema)).toEqual([])
  })

  test.each(['', 'a', '😀'])('"%s" is too short', (a) => {
    expect(causes({ a }, schema)).toEqual([
      `a: Invalid value: ${JSON.stringify(a)}: a in body should be at least 2 chars long`,
    ])
  })

  test.each(['abcd', '😀😀😀😀', 'abc😀', 'a'.repeat(7)])('%s is too long', (a) => {
    expect(causes({ a }, schema)).toEqual(['a: Too long: may not be more than 3 bytes'])
  })
})

test('each cause has the path of its own field', () => {
  const list = { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' } } } } as const
  const schema = { properties: { list, other: { type: 'string' } }, required: ['gone'] } as const
  expect(validate({ list: [{ n: 1 }, { n: 'x' }, 2], other: 3 }, schema).map(({ path }) => path)).toEqual([
    ['list', 1, 'n'],
    ['list', 2],
    ['other'],
    ['gone'],
  ])
})

test('each repeated item of a set is named', () => {
  const schema = { properties: { set: { type: 'array', 'x-kubernetes-list-type': 'set' } } } as const
  expect(causes({ set: ['a', 'b', 'a', 'a'] }, schema)).toEqual([
    'set[2]: Duplicate value: "a"',
    'set[3]: Duplicate value: "a"',
  ])
})

test('a pattern that JavaScript does not understand refuses nothing', () => {
  const schema = { properties: { a: { pattern: '(?P<go>a)' } } } as const
  expect(causes({ a: 'b' }, schema)).toEqual([])
})

test.each([
  [null, true],
  [{ a: [{ b: null }] }, true],
  [{ a: [{ b: 0, c: '', d: false }] }, false],
])('%j holds a null: %s', (value, wanted) => {
  expect(hasNull(value)).toBe(wanted)
})
