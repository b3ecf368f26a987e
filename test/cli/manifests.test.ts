import { mkdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { parseManifests, readManifests } from '../../src/cli/manifests.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { folderWith } from './checking.ts'

const named = (text: string): readonly string[] =>
  parseManifests(text, 'x.yaml', 'default').manifests.map(
    ({ resource, namespace, name }) => `${resource.kind} ${namespace}/${name}`,
  )
const problemsIn = (text: string): readonly string[] => parseManifests(text, 'x.yaml', 'default').problems

const bindingText = (name: string): string => `\
apiVersion: kleym.sonda.red/v1alpha1
kind: InferenceIdentityBinding
metadata: {name: ${name}}
`

/** What is wrong with a text on standard input. */
const problemsOn = async (text: string): Promise<readonly string[]> =>
  (await readManifests(['-'], 'default', () => Promise.resolve(text))).problems

describe('what is read', () => {
  test.each([
    ['one document', bindingText('a')],
    ['JSON', JSON.stringify(binding({ name: 'a' }))],
    ['documents, empty ones among them', `---\n---\n# nothing\n---\n${bindingText('a')}---\nnull\n`],
    ['a byte order mark and Windows line ends', `\ufeff${bindingText('a').replaceAll('\n', '\r\n')}`],
    ['a list', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [binding({ name: 'a' })] })],
    [
      'a list of lists',
      JSON.stringify({
        kind: 'List',
        items: [{ kind: 'InferencePoolList', items: [binding({ name: 'a' })] }],
      }),
    ],
    [
      'other kinds beside it',
      `apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n${bindingText('a')}---\napiVersion: kleym.sonda.red/v1\nkind: InferenceIdentityBinding\nmetadata: {name: later}\n`,
    ],
  ])('%s', (_title, text) => {
    expect({ found: named(text), problems: problemsIn(text) }).toStrictEqual({
      found: ['InferenceIdentityBinding default/a'],
      problems: [],
    })
  })

  test('objects keep the order in which they are written', () => {
    const text = [binding({ name: 'b' }), pool(), poolOnly({ name: 'a' }), objective()].map((one) =>
      JSON.stringify(one),
    )
    expect(named(text.join('\n---\n'))).toStrictEqual([
      'InferenceIdentityBinding default/b',
      'InferencePool default/chat',
      'InferenceIdentityBinding default/a',
      'InferenceObjective default/chat',
    ])
  })

  test('aliases and merge keys, as kubectl reads them', () => {
    const text = `\
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: p}
spec:
  base: &labels {app: a}
  selector:
    matchLabels:
      <<: *labels
      tier: b
`
    const [one] = parseManifests(text, 'x.yaml', 'default').manifests
    expect(one?.object).toMatchObject({ spec: { selector: { matchLabels: { app: 'a', tier: 'b' } } } })
    expect(JSON.stringify(one?.object)).not.toContain('<<')
  })

  test('YAML 1.1, as kubectl reads it', () => {
    const text = `${bindingText('a')}spec: {a: yes, b: off, c: 010, d: "on", e: 1:30, f: 2001-01-01, g: ~, y: 1e3}\n`
    const [one] = parseManifests(text, 'x.yaml', 'default').manifests
    expect(one?.object['spec']).toStrictEqual({
      a: true,
      b: false,
      c: 8,
      d: 'on',
      e: '1:30',
      f: '2001-01-01',
      g: null,
      true: 1000,
    })
  })

  test('JSON objects one after the other, each with its own lines', () => {
    const objects = ['a', 'b{"\\"}'].map((name, index) => ({
      apiVersion: 'kleym.sonda.red/v1alpha1',
      kind: 'InferenceIdentityBinding',
      metadata: { name: index === 0 ? name : 'b', labels: { name } },
    }))
    const lines = objects.map((object) => JSON.stringify(object)).join('\n')
    expect(named(lines)).toStrictEqual([
      'InferenceIdentityBinding default/a',
      'InferenceIdentityBinding default/b',
    ])
    expect(named(lines.replace('\n', ''))).toHaveLength(2)
    expect(problemsIn(`${lines}\n{"kind": "x"}\n`)).toStrictEqual([
      expect.stringMatching(/^x\.yaml:3: apiVersion/),
    ])
  })

  test('one value in many places', () => {
    const items = Array.from(
      { length: 150 },
      (_, index) => `- {<<: *kind, metadata: {name: n${index}, namespace: *ns}}`,
    )
    const kind = '&kind {apiVersion: kleym.sonda.red/v1alpha1, kind: InferenceIdentityBinding}'
    const text = ['kind: List', 'metadata: {namespace: &ns team}', `base: ${kind}`, 'items:', ...items].join(
      '\n',
    )
    expect(named(text)).toHaveLength(150)
    expect(named(text)[0]).toBe('InferenceIdentityBinding team/n0')
  })

  test('an empty namespace is none', () => {
    expect(named(bindingText('a, namespace: ""'))).toStrictEqual(['InferenceIdentityBinding default/a'])
  })

  test('a field called __proto__ is a field', () => {
    const [one] = parseManifests(
      `${bindingText('a')}spec: {__proto__: {mode: PoolOnly}}\n`,
      'x.yaml',
      'default',
    ).manifests
    expect(one?.object['spec']).not.toHaveProperty('mode')
  })

  test('nothing at all', () => {
    expect(parseManifests('', 'x.yaml', 'default')).toStrictEqual({ manifests: [], problems: [] })
  })
})

describe('what is wrong is named by file and line', () => {
  test.each([
    ['a syntax error', `${bindingText('a')}spec: {poolRef: [}\n`, 'x.yaml:4: '],
    ['a tab', `${bindingText('a')}spec:\n\tmode: PoolOnly\n`, 'x.yaml:5: '],
    ['a key twice', `${bindingText('a')}kind: Service\n`, 'x.yaml:4: '],
    ['an alias of nothing', `${bindingText('a')}spec: *gone\n`, 'x.yaml:1: Unresolved alias'],
    ['an alias of what it is in', `${bindingText('a')}spec: &s {mode: *s}\n`, 'x.yaml:1: nests deeper than'],
    ['brackets without an end', '['.repeat(5000), 'x.yaml:1: nests deeper than'],
    ['JSON that is too deep', `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`, 'x.yaml:1: nests deeper than'],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', 'x.yaml:1: apiVersion or kind is missing'],
    ['no apiVersion', 'kind: InferenceIdentityBinding\n', 'x.yaml:1: apiVersion or kind is missing'],
    ['a kind that is none', 'apiVersion: v1\nkind: 7\n', 'x.yaml:1: apiVersion or kind is missing'],
    ['a text', 'hello\n', 'x.yaml:1: "hello" is not a Kubernetes object'],
    ['an array', '[]\n', 'x.yaml:1: […] is not a Kubernetes object'],
    ['a list with a text in it', 'kind: List\nitems: [x]\n', 'x.yaml:1: "x" is not a Kubernetes object'],
    ['no name', bindingText('null'), 'x.yaml:1: InferenceIdentityBinding metadata.name "" is not'],
    [
      'a name that is none',
      bindingText('A_b'),
      'x.yaml:1: InferenceIdentityBinding metadata.name "A_b" is not',
    ],
    [
      'a name that is a number',
      bindingText('7'),
      'x.yaml:1: InferenceIdentityBinding metadata.name 7 is not',
    ],
    [
      'a namespace that is none',
      bindingText('a, namespace: a.b'),
      'x.yaml:1: InferenceIdentityBinding a metadata.namespace "a.b" is not',
    ],
    [
      'the second document',
      `${bindingText('a')}---\n\nkind: List\n`,
      'x.yaml:4: apiVersion or kind is missing',
    ],
  ])('%s', (_title, text, start) => {
    expect(problemsIn(text)).toStrictEqual([expect.stringMatching(new RegExp(`^${RegExp.escape(start)}`))])
  })

  test('every one of them, and what is well beside it', () => {
    const text = `${bindingText('A')}---\n${bindingText('fine')}---\nkind: Service\n---\n{\n`
    expect(problemsIn(text).map((problem) => problem.split(' ', 1)[0])).toStrictEqual([
      'x.yaml:1:',
      'x.yaml:8:',
      expect.stringMatching(/^x\.yaml:1[123]:$/),
    ])
    expect(named(text)).toStrictEqual(['InferenceIdentityBinding default/fine'])
  })

  test('standard input by its name, whatever is wrong', async () => {
    expect(await problemsOn('kind: x\n')).toStrictEqual([expect.stringMatching(/^standard input:1: /)])
    expect(await problemsOn('{\n')).toStrictEqual([expect.stringMatching(/^standard input:[12]: /)])
  })

  test('aliases that unfold to more than anyone meant', () => {
    const bomb = Array.from({ length: 12 }, (_, index) =>
      index === 0
        ? `a0: &a0 [${'x,'.repeat(10)}]`
        : `a${index}: &a${index} [${`*a${index - 1},`.repeat(10)}]`,
    ).join('\n')
    expect(problemsIn(bomb)).toStrictEqual([expect.stringMatching(/^x\.yaml:1: .*alias/i)])
  })

  test('nesting that no one meant', async () => {
    const deep = `{"kind":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    await using folder = await folderWith({ 'deep.json': deep })
    const { problems } = await readManifests([folder.at('deep.json')], 'default', () => Promise.resolve(''))
    expect(problems).toStrictEqual([expect.stringContaining('deep.json')])
  })
})

describe('folders', () => {
  test('are read by name, and only what ends in .yaml, .yml or .json', async () => {
    await using folder = await folderWith({
      'b.yml': bindingText('b'),
      'a.yaml': bindingText('a'),
      'c.json': JSON.stringify(binding({ name: 'c' })),
      'README.md': 'hello',
      'd.yaml.bak': 'hello',
    })
    await mkdir(folder.at('e.yaml'))
    const { manifests, problems } = await readManifests([folder.path], 'default', () => Promise.resolve(''))
    expect(problems).toStrictEqual([])
    expect(manifests.map(({ name }) => name)).toStrictEqual(['a', 'b', 'c'])
  })

  test('come with files and standard input in the order given', async () => {
    await using folder = await folderWith({ 'a.yaml': bindingText('a'), 'b.yaml': bindingText('b') })
    const { manifests } = await readManifests([folder.at('b.yaml'), '-', folder.path], 'default', () =>
      Promise.resolve(bindingText('c')),
    )
    expect(manifests.map(({ name }) => name)).toStrictEqual(['b', 'c', 'a', 'b'])
  })

  test('that hold nothing, and what is not there, are named', async () => {
    await using folder = await folderWith({ 'README.md': 'hello' })
    const missing = folder.at('missing.yaml')
    const { problems } = await readManifests([folder.path, missing], 'default', () => Promise.resolve(''))
    expect(problems).toStrictEqual([
      `-f ${folder.path}: the folder holds no .yaml, .yml or .json file, and its own folders are not searched`,
      `-f ${missing}: there is no such file or folder`,
    ])
  })
})
