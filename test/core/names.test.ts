import { describe, expect, test } from 'vitest'
import {
  byBytes,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelKey,
  isNonEmptyLabelValue,
  trimSpace,
} from '../../src/core/names.ts'

const x = (length: number): string => 'x'.repeat(length)

describe('the grammars of Kubernetes names', () => {
  const grammars = {
    'a DNS-1123 label': isDns1123Label,
    'a DNS-1123 subdomain': isDns1123Subdomain,
    'a label key': isLabelKey,
    'a label value': isNonEmptyLabelValue,
  } as const
  const none = [] as const
  const label = ['a DNS-1123 label', 'a DNS-1123 subdomain', 'a label key', 'a label value'] as const
  const subdomain = ['a DNS-1123 subdomain', 'a label key', 'a label value'] as const
  const value = ['a label key', 'a label value'] as const
  const key = ['a label key'] as const

  test.each([
    ['a', label],
    ['0', label],
    ['a-b', label],
    ['a--b', label],
    [x(63), label],
    ['a.b', subdomain],
    ['0.0', subdomain],
    ['A', value],
    ['a_b', value],
    ['a..b', value],
    ['a.-b', value],
    [x(64), ['a DNS-1123 subdomain']],
    [`${x(63)}.${x(63)}.${x(63)}.${x(61)}`, ['a DNS-1123 subdomain']],
    [`${x(63)}.${x(63)}.${x(63)}.${x(62)}`, none],
    ['a/b', key],
    ['example.com/A_b.c', key],
    [`${x(253)}/${x(63)}`, key],
    [`${x(254)}/a`, none],
    [`a/${x(64)}`, none],
    ['', none],
    ['/', none],
    ['/a', none],
    ['a/', none],
    ['a/b/c', none],
    ['A/b', none],
    ['a_b/c', none],
    ['-a', none],
    ['a-', none],
    ['.a', none],
    ['a.', none],
    ['_a', none],
    [' a', none],
    ['a ', none],
    ['a\n', none],
    ['a b', none],
    ['a:b', none],
    ['{{a}}', none],
    ['é', none],
    ['\u0131', none],
    ['\u212a', none],
    ['__proto__', none],
  ])('%j', (text, wanted) => {
    const fitting = Object.entries(grammars).flatMap(([title, fits]) => (fits(text) ? [title] : []))
    expect(fitting).toStrictEqual([...wanted])
  })

  test.each([['a'], ['a.'], ['a-'], ['a/']])('a long run of %j is judged in no time', (part) => {
    const long = part.repeat(1_000_000)
    const before = process.cpuUsage()
    for (const fits of Object.values(grammars)) expect(fits(long)).toBe(false)
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
  })
})

describe('white space', () => {
  // unicode.IsSpace in Go, and what JavaScript sees otherwise.
  const white = '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000'

  test('is cut as Go cuts it', () => {
    expect(trimSpace(`${white}a${white}b${white}`)).toBe(`a${white}b`)
    expect(trimSpace(white)).toBe('')
  })

  test.each(['\ufeff', '\u200b', '\u180e', '\u0000', '\u001c'])('%j is none', (character) => {
    expect(trimSpace(character)).toBe(character)
  })
})

test('names are sorted by bytes, not by language', () => {
  expect(['b', 'a', 'B', 'a-', 'a.', '0', 'a/'].toSorted(byBytes)).toStrictEqual([
    '0',
    'B',
    'a',
    'a-',
    'a.',
    'a/',
    'b',
  ])
})
