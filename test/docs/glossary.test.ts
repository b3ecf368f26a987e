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

/** The page and the test that speak of the words themselves. */
const exempt = new Set(['docs/glossary.md', 'test/docs/glossary.test.ts'])

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

/** Names that once stood for several things, each with the one file of src and certs that may declare it. */
const homes: Readonly<Record<string, string>> = {
  CauseType: 'src/core/findings.ts',
  CheckMessage: 'src/cli/check-messages.ts',
  ClaimState: 'src/webhook/claim.ts',
  CommandLine: 'src/flags/read.ts',
  FileOptions: 'src/cli/files.ts',
  Holder: 'src/webhook/claim.ts',
  KeptSettings: 'src/core/kept-settings.ts',
  ObjectName: 'src/core/objects.ts',
  Problem: 'src/cli/page/model.ts',
  SchemaCause: 'src/schema/cause.ts',
  SourcePosition: 'src/cli/manifests.ts',
  Trouble: 'src/controller/troubles.ts',
  findingLine: 'src/core/findings.ts',
  gradeOfFindings: 'src/cli/report-finding.ts',
  gradeOfRow: 'src/cli/rows.ts',
  reportLine: 'src/cli/report-finding.ts',
  IndexedWorld: 'src/core/overlay.ts',
  Interning: 'src/core/interning.ts',
  Claimant: 'src/webhook/claim.ts',
  Reference: 'src/core/binding.ts',
  Outcome: 'src/core/conditions.ts',
  RunResult: 'src/controller/run-result.ts',
  Stake: 'src/core/evaluate.ts',
  Standing: 'certs/standing.ts',
  Verdict: 'src/core/verdict.ts',
  explain: 'src/core/findings.ts',
  failureWords: 'src/kube/answer.ts',
  handshakeProblem: 'certs/certificates.ts',
  IdentifiedBinding: 'src/core/overlap.ts',
  keyToClaim: 'src/core/appraise.ts',
  isAbsent: 'src/kube/answer.ts',
  refusalOf: 'src/webhook/refusal.ts',
}

/** Names too wide for one thing, which no file of src and certs may declare: name what is seen, placed, read or waited for instead. */
const homeless = new Set([
  'Around',
  'Asked',
  'Cause',
  'Ended',
  'Found',
  'Given',
  'Hold',
  'Holds',
  'Judged',
  'Known',
  'Listed',
  'Looked',
  'Patience',
  'Place',
  'Reading',
  'Said',
  'Seen',
  'Sharing',
  'Told',
  'Wanted',
  'gradeOf',
])

/** The names that a source file declares outside of functions. */
const declaredIn = (text: string): readonly string[] =>
  [...text.matchAll(/^(?:export )?(?:async )?(?:const|function\*?|class|type) (\w+)/gm)].map(
    ([, name = '']) => name,
  )

describe('one vocabulary', () => {
  test.each(pages.filter((page) => !exempt.has(page)))('%s', (page) => {
    const prose = proseOf(readPage(page)).replaceAll(/^## Rejected$/gm, '')
    expect(lostIn(prose, losersInPages)).toEqual([])
    const outputs = aboutTheCode.test(page) ? [] : (prose.match(/\boutputs?\b/gi) ?? [])
    expect(outputs, 'say ClusterSPIFFEID; what a command prints is what it prints').toEqual([])
  })

  test('the comments of the sources', () => {
    const files = globSync(
      ['src/**/*.ts', 'certs/**/*.ts', 'release/**/*.ts', 'test/**/*.ts', 'deploy/**/*.yaml'],
      { cwd: root },
    ).filter((path) => !exempt.has(path))
    const lost = files.flatMap((path) =>
      lostIn(commentsOf(path, readFileSync(join(root, path), 'utf8'))).map((words) => `${path}: ${words}`),
    )
    expect(files.length).toBeGreaterThan(500)
    expect(lost).toEqual([])
  })

  test('a name in the code means one thing', () => {
    const files = globSync(['src/**/*.ts', 'certs/**/*.ts'], { cwd: root })
    const declared = files.flatMap((path) =>
      declaredIn(readFileSync(join(root, path), 'utf8')).map((name) => ({ name, path })),
    )
    const found = declared.filter(({ name }) => Object.hasOwn(homes, name))
    expect(Object.fromEntries(found.map(({ name, path }) => [name, path]))).toEqual(homes)
    expect(found.filter(({ name, path }) => homes[name] !== path)).toEqual([])
    expect(declared.filter(({ name }) => homeless.has(name))).toEqual([])
    const glossary = readPage('docs/glossary.md')
    expect(Object.keys(homes).filter((name) => !glossary.includes(`\`${name}\``))).toEqual([])
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
