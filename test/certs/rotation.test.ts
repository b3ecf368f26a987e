import { describe, expect, test } from 'vitest'
import { usualLives, type Lives } from '../../certs/certificates.ts'
import { nextStep, type Situation } from '../../certs/rotation.ts'

const day = (count: number): Date => new Date(Date.UTC(2026, 0, 1) + count * 86_400_000)
const validity = (from: number, days: number) => ({ notBefore: day(from), notAfter: day(from + days) })

const young: Situation = {
  signer: validity(0, 3000),
  leaf: validity(0, 300),
  leafIsOfSigner: true,
  hasOthers: false,
}
const stepAt = (age: number, change: Partial<Situation> = {}, lives: Lives = usualLives) =>
  nextStep({ ...young, ...change }, day(age), lives)

describe('the next step', () => {
  test('is none before two thirds of the life of the leaf', () => {
    expect(stepAt(0)).toEqual({ kind: 'rest', until: day(200) })
    expect(stepAt(199)).toEqual({ kind: 'rest', until: day(200) })
  })

  test('is none before two thirds of the life of the CA, where that comes first', () => {
    expect(stepAt(1950, { leaf: validity(1900, 300) })).toEqual({ kind: 'rest', until: day(2000) })
  })

  test.each<[string, number, Partial<Situation>, string]>([
    ['renews the leaf at two thirds of its life', 200, {}, 'renew'],
    ['replaces the CA at two thirds of its life', 2000, { leaf: validity(1900, 300) }, 'spread'],
    ['issues no leaf of a CA that is to go', 2000, { leaf: validity(1750, 300) }, 'spread'],
    ['replaces a CA that is too short for a leaf', 5, { signer: validity(0, 40) }, 'spread'],
    ['swaps the leaf where another CA signs now', 0, { leafIsOfSigner: false, hasOthers: true }, 'swap'],
    [
      'swaps it before it looks at any life',
      2900,
      { leaf: validity(2650, 300), leafIsOfSigner: false, hasOthers: true },
      'swap',
    ],
    ['drops other CAs where none is needed', 0, { hasOthers: true }, 'retire'],
    ['drops them before it makes a new one', 2000, { leaf: validity(1900, 300), hasOthers: true }, 'retire'],
    ['renews the leaf while others wait to be dropped', 200, { hasOthers: true }, 'renew'],
  ])('%s', (_what, age, change, kind) => {
    expect(stepAt(age, change).kind).toBe(kind)
  })
})
