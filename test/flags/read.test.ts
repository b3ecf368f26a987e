import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nearest } from '../../src/core/nearest.ts'
import { describeFlags, readFlags, type Flag } from '../../src/flags/read.ts'

describe('the flags of any command', () => {
  const flags = {
    file: { placeholder: 'FILE', help: 'f', short: 'f' },
    output: { placeholder: 'text|json', help: 'o', short: 'o', default: 'text' },
    live: { help: 'l' },
  } as const satisfies Record<string, Flag>

  test('one letter is enough, positionals may stand anywhere, repeated values keep their order', () => {
    const argv = ['binding', '-f', 'a.yaml', '-f=b', 'chat', '--file', '-', '-o', 'json', '--', '-x']
    const reading = readFlags(argv, {}, flags)
    expect(reading.problems).toEqual([])
    expect(reading.all('file').map(({ value }) => value)).toEqual(['a.yaml', 'b', '-'])
    expect(reading.last('output')).toEqual({ from: '-o', value: 'json' })
    expect(reading.positionals).toEqual(['binding', 'chat', '-x'])
    expect(reading.isOn('live')).toBe(false)
  })

  test('a default is no given value', () => {
    const reading = readFlags([], {}, flags)
    expect(reading.last('output')?.value).toBe('text')
    expect(reading.isGiven('output')).toBe(false)
  })

  test('a value that sticks to its letter is explained', () => {
    expect(readFlags(['-ojson'], {}, flags).problems).toEqual(['-ojson: unknown flag; did you mean -o json?'])
  })

  test('help that is switched off is none', () => {
    expect(readFlags(['--help=false', '-h=0'], {}, flags).help).toBe(false)
    expect(readFlags(['--help=true'], {}, flags).help).toBe(true)
  })

  test('the help shows letter, name, value and default', () => {
    expect(describeFlags(flags)).toContain('  -o, --output text|json\n        o (default text)\n')
  })
})

describe('the nearest name', () => {
  const names = ['trust-domain', 'namespace', 'context']

  test('is one a typing error away', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(6), fc.constantFrom('', 'x'), (name, at, letter) => {
        expect(nearest(name.slice(0, at) + letter + name.slice(at + 1), names)).toBe(name)
      }),
    )
  })

  test.each(['', 'x', 'kubeconfig', 'x'.repeat(100_000)])('is none for a word of its own', (word) => {
    expect(nearest(word, names)).toBeUndefined()
  })
})
