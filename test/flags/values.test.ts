import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { classNameProblem, commaSeparated, trustDomainProblem } from '../../src/flags/values.ts'

test('a trust domain is fine exactly if the SPIFFE grammar allows it', () => {
  const character = fc.oneof(
    fc.constantFrom('a', 'z', '0', '.', '-', '_', 'A', '/', ':', ' ', '\u0085', 'é'),
    fc.string({ unit: 'grapheme' }),
  )
  fc.assert(
    fc.property(fc.array(character, { maxLength: 300 }), (characters) => {
      const text = characters.join('')
      expect(trustDomainProblem(text) === undefined).toBe(/^[a-z0-9._-]{1,255}$/.test(text))
    }),
  )
  expect(trustDomainProblem('a'.repeat(255))).toBeUndefined()
})

test.each([' k', 'k ', '\tk', 'k\u0085', ' '])('a class name %j has white space around it', (text) => {
  expect(classNameProblem(text)).toContain('white space')
})

test('a class name is no template', () => {
  expect(classNameProblem('{{ .PodMeta.Name }}')).toContain('template')
})

test.each(['', 'k', 'my class'])('a class name %j is fine', (text) => {
  expect(classNameProblem(text)).toBeUndefined()
})

test.each([
  ['Example.org/x', '"/" at character 12'],
  ['a.org:443/x', '"/" at character 10'],
  ['A.org:443', 'no port'],
  ['A b', 'white space (" " at character 2)'],
  ['a b', 'white space (" " at character 2)'],
  ['SPIFFE://a.org', 'leave "SPIFFE://" out'],
  ['exämple.org', '"ä" at character 3'],
  ['a😀', '"😀" at character 2'],
  ['a'.repeat(256), 'this one 256'],
])('trust domain %s is refused for what is wrong with it', (text, why) => {
  expect(trustDomainProblem(text)).toContain(why)
})

test('a list is split at its commas', () => {
  expect(commaSeparated(' a/v1/A, csid,,')).toEqual({ kind: 'value', value: ['a/v1/A', 'csid'] })
  expect(commaSeparated('')).toEqual({ kind: 'value', value: [] })
})
