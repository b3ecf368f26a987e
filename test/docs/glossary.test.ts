import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pages, proseOf, readPage, root } from './pages.ts'

/** The words that lost, each with the one that is used. docs/glossary.md has a row for each. */
const losers: readonly (readonly [loser: RegExp, use: string])[] = [
  [/\b(?:reference|go|old) operator\b/i, 'former operator'],
  [/\boperator of before\b/i, 'former operator'],
  [
    /\bthe reference(?:'s (?:report|reports|commands)| operator\b| (?:wrote|writes|counts)\b)/i,
    'former operator',
  ],
  [/\boperator instance\b/i, 'replica'],
  [/\bmaster\b/i, 'leader'],
  [/\bspire-controller-manager\b/, 'SPIRE Controller Manager'],
  [/\bSpiffe IDs?\b/, 'SPIFFE ID'],
  [/\btrustdomain\b/, 'trust domain'],
  [/\berror codes?\b/i, 'reason'],
  [/\brevok(?:e|es|ed|ing)\b/i, 'withdraw'],
  [/\binformers?\b/i, 'reflector'],
]

/** Promises are rejected, so that the comments of sources may say this. */
const losersInPages: typeof losers = [...losers, [/\breject(?:s|ed|ing|ion|ions)?\b/i, 'refuse']]

/** Pages for users say ClusterSPIFFEID; only those about the code may say output. */
const aboutTheCode = /^(?:CONTRIBUTING|CHANGELOG|docs\/(?:architecture|glossary|decisions\/.*))\.md$/

/** The page that speaks of the words themselves. */
const exempt = new Set(['docs/glossary.md'])

const lostIn = (text: string, words = losers): readonly string[] =>
  words.flatMap(([loser, use]) => {
    const found = loser.exec(text)
    return found ? [`"${found[0]}": say ${use}`] : []
  })

/** The comments of a source file, of TypeScript or YAML. */
const commentsOf = (path: string, text: string): string =>
  path.endsWith('.ts')
    ? (text.match(/\/\*\*?.*?\*\/|(?<!:)\/\/[^\n]*/gs) ?? []).join('\n')
    : (text.match(/(?:^|\s)#[^\n]*/g) ?? []).join('\n')

describe('one vocabulary', () => {
  test.each(pages.filter((page) => !exempt.has(page)))('%s', (page) => {
    const prose = proseOf(readPage(page)).replaceAll(/^## Rejected$/gm, '')
    expect(lostIn(prose, losersInPages)).toEqual([])
    const outputs = aboutTheCode.test(page) ? [] : (prose.match(/\boutputs?\b/gi) ?? [])
    expect(outputs, 'say ClusterSPIFFEID; what a command prints is what it prints').toEqual([])
  })

  test('the comments of the sources', () => {
    const files = globSync(['src/**/*.ts', 'certs/**/*.ts', 'release/**/*.ts', 'deploy/**/*.yaml'], {
      cwd: root,
    })
    const lost = files.flatMap((path) =>
      lostIn(commentsOf(path, readFileSync(join(root, path), 'utf8'))).map((words) => `${path}: ${words}`),
    )
    expect(files.length).toBeGreaterThan(200)
    expect(lost).toEqual([])
  })

  test('what users are shown by flags', () => {
    const help = readPage('docs/reference/flags.md')
    expect(lostIn(help)).toEqual([])
  })

  test('a word that lost is found, in prose and comments alone', () => {
    expect(lostIn('As the Go operator has it.')).toEqual(['"Go operator": say former operator'])
    expect(lostIn(proseOf('Say `informer` in code.'))).toEqual([])
    const source = "const a = 'master' // its master\n/** An informer. */"
    expect(commentsOf('x.ts', source)).toBe('// its master\n/** An informer. */')
    expect(commentsOf('x.yaml', 'a: master\n# its master')).toBe('\n# its master')
  })

  test('every word that lost stands in the glossary', () => {
    const glossary = readPage('docs/glossary.md')
    expect(
      [...new Set(losersInPages.map(([, use]) => use))].filter((use) => !glossary.includes(`**${use}**`)),
    ).toEqual([])
  })
})
