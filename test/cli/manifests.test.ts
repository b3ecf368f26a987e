import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readTexts } from '../../src/cli/files.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { folderWith, parsed } from './checking.ts'

const named = (text: string): readonly string[] =>
  parsed(text).items.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`)
const problemsIn = (text: string): readonly string[] => parsed(text).problems

/** Everything that the paths lead to. */
async function readAll(
  paths: readonly string[],
  stdin = '',
  recursive = false,
): Promise<{ readonly names: readonly string[]; readonly problems: readonly string[] }> {
  const texts = await readTexts(paths, {
    flag: '-f',
    recursive,
    readStdin: () => Promise.resolve(stdin),
  })
  const all = texts.map((one) =>
    one.kind === 'text' ? parsed(one.text, one.file) : { items: [], problems: [one.problem] },
  )
  return {
    names: all.flatMap(({ items }) => items.map(({ name }) => name)),
    problems: all.flatMap(({ problems }) => problems),
  }
}

const bindingText = (name: string): string => `\
apiVersion: kleym.sonda.red/v1alpha1
kind: InferenceIdentityBinding
metadata: {name: ${name}}
`

/** What is wrong with a text on standard input. */
const problemsOn = async (text: string): Promise<readonly string[]> => (await readAll(['-'], text)).problems

describe('what is read', () => {
  test.each([
    ['block style', ['a', 'b', 'c'].map(bindingText).join('---\n')],
    [
      'flow style',
      ['a', 'b', 'c'].map((name) => `${JSON.stringify(binding({ name }))}\n`).join('--- # the next\n'),
    ],
  ])('documents with Windows line ends, in %s', (_style, text) => {
    expect(parsed(text.replaceAll('\n', '\r\n'))).toMatchObject({
      items: ['a', 'b', 'c'].map((name) => ({ name, oddities: [] })),
      problems: [],
    })
  })

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
      'a list of one kind, which its items do not write',
      JSON.stringify({
        apiVersion: 'kleym.sonda.red/v1alpha1',
        kind: 'InferenceIdentityBindingList',
        items: [{ metadata: { name: 'a' }, spec: binding().spec }],
      }),
    ],
    ['other kinds beside it', `apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n${bindingText('a')}`],
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
    const [one] = parsed(text).items
    expect(one?.manifest?.object).toMatchObject({
      spec: { selector: { matchLabels: { app: 'a', tier: 'b' } } },
    })
    expect(JSON.stringify(one?.manifest?.object)).not.toContain('<<')
  })

  test('YAML 1.1, as kubectl reads it', () => {
    const text = `${bindingText('a')}spec: {a: yes, b: off, c: 010, d: "on", e: 1:30, f: 2001-01-01, g: ~, y: 1e3}\n`
    const [one] = parsed(text).items
    expect(one?.manifest?.object['spec']).toStrictEqual({
      a: true,
      b: false,
      c: 8,
      d: 'on',
      e: '1:30',
      f: '2001-01-01',
      g: null,
      true: 1000,
      mode: 'PerObjective',
    })
  })

  test.each([
    ['0o17', 15],
    ['-0O1_7', -15],
    ['0o18', '0o18'],
    ['1e400', '1e400'],
    ['9'.repeat(400), '9'.repeat(400)],
    ['!!binary aGk=', 'hi'],
    ['"{{ .Values.name }}"', '{{ .Values.name }}'],
  ])('the scalar %s, as kubectl reads it', (written, value) => {
    const { items, problems } = parsed(`${bindingText('a')}spec: {a: ${written}}\n`)
    expect(problems).toStrictEqual([])
    expect(items[0]?.manifest?.object['spec']).toMatchObject({ a: value })
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
    const [one] = parsed(`${bindingText('a')}spec: {__proto__: {mode: PoolOnly}}\n`).items
    expect(one?.manifest?.object['spec']).toHaveProperty('mode', 'PerObjective')
    expect(one?.causes.map(({ field }) => field)).toContain('spec.__proto__')
  })

  test('nothing at all', () => {
    expect(parsed('')).toStrictEqual({ items: [], problems: [] })
  })
})

describe('what is wrong is named by file and line', () => {
  test.each([
    ['a syntax error', `${bindingText('a')}spec: {poolRef: [}\n`, 'x.yaml:4: '],
    ['a tab', `${bindingText('a')}spec:\n\tmode: PoolOnly\n`, 'x.yaml:5: '],
    [
      'a separator with a text behind it',
      `${bindingText('a')}---foo\n`,
      'x.yaml:4: invalid Yaml document separator: foo',
    ],
    [
      'a document on the line of a separator',
      '--- {kind: List}\n',
      'x.yaml:1: invalid Yaml document separator: {',
    ],
    ['a number that JSON does not know', `${bindingText('a')}spec: {a: .inf}\n`, 'x.yaml:1: holds .inf'],
    [
      'a template in place of a value',
      `${bindingText('a')}spec:\n  serviceAccountName: {{ .Values.account }}\n`,
      'x.yaml:5: holds {{ }}, so it is a template; render it first',
    ],
    [
      'a template of lines',
      `${bindingText('a')}{{- if .x }}\nspec: {}\n{{- end }}\n`,
      'x.yaml:4: holds {{ }}',
    ],
    ['a template in a name', bindingText('{{ .Release.Name }}-a'), 'x.yaml:3: holds {{ }}'],
    ['an alias of nothing', `${bindingText('a')}spec: *gone\n`, 'x.yaml:1: Unresolved alias'],
    ['an alias of what it is in', `${bindingText('a')}spec: &s {mode: *s}\n`, 'x.yaml:1: nests deeper than'],
    ['brackets without an end', '['.repeat(5000), 'x.yaml:1: nests deeper than'],
    ['JSON that is too deep', `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`, 'x.yaml:1: nests deeper than'],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', 'x.yaml:1: apiVersion or kind is missing'],
    ['no apiVersion', 'kind: InferenceIdentityBinding\n', 'x.yaml:1: apiVersion or kind is missing'],
    ['a kind that is none', 'apiVersion: v1\nkind: 7\n', 'x.yaml:1: apiVersion or kind is missing'],
    ['a text', 'hello\n', 'x.yaml:1: "hello" is not a Kubernetes object'],
    ['an array', '[]\n', 'x.yaml:1: […] is not a Kubernetes object'],
    ['a list with a text in it', 'kind: List\nitems: [x]\n', 'x.yaml:2: "x" is not a Kubernetes object'],
    [
      'an item of no kind in a list of any',
      'kind: List\napiVersion: v1\nitems:\n- metadata: {name: a}\n',
      'x.yaml:4: apiVersion or kind is missing',
    ],
    [
      'an item of half a kind in a list of one',
      'kind: InferencePoolList\napiVersion: x/v1\nitems:\n- kind: InferencePool\n',
      'x.yaml:4: apiVersion or kind is missing',
    ],
    [
      'the second document',
      `${bindingText('a')}---\n\nkind: List\n`,
      'x.yaml:6: apiVersion or kind is missing',
    ],
  ])('%s', (_title, text, start) => {
    expect(problemsIn(text)).toStrictEqual([expect.stringMatching(new RegExp(`^${RegExp.escape(start)}`))])
  })

  test('every one of them, and what is well beside it', () => {
    const text = `kind: A\n---\n${bindingText('fine')}---\nkind: Service\n---\n{\n`
    expect(problemsIn(text).map((problem) => problem.split(' ', 1)[0])).toStrictEqual([
      'x.yaml:1:',
      'x.yaml:7:',
      expect.stringMatching(/^x\.yaml:(?:9|10):$/),
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
    const { problems } = await readAll([folder.at('deep.json')])
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
    const { names, problems } = await readAll([folder.path])
    expect(problems).toStrictEqual([])
    expect(names).toStrictEqual(['a', 'b', 'c'])
  })

  test('are read once each, though links lead back to them', async () => {
    await using folder = await folderWith({ 'b.yaml': bindingText('b') })
    await mkdir(folder.at('inner'))
    await writeFile(folder.at('inner/c.yaml'), bindingText('c'))
    await symlink('..', folder.at('inner/back'))
    await symlink('inner', folder.at('a'))
    expect(await readAll([folder.path], '', true)).toStrictEqual({ names: ['c', 'b'], problems: [] })
  })

  test.each([
    ['with', true],
    ['without', false],
  ])(
    'are not read %s -R past a link that leads nowhere, unless it is not named as a manifest',
    async (_, recursive) => {
      await using folder = await folderWith({ 'a.yaml': bindingText('a') })
      await symlink('gone', folder.at('README.md'))
      expect(await readAll([folder.path], '', recursive)).toStrictEqual({ names: ['a'], problems: [] })
      await symlink('gone/b.yaml', folder.at('b.yaml'))
      expect((await readAll([folder.path], '', recursive)).problems).toStrictEqual([
        `-f ${folder.path}: ${folder.at('b.yaml')} is a link to gone/b.yaml, which is not there`,
      ])
    },
  )

  test('come with files and standard input in the order given', async () => {
    await using folder = await folderWith({ 'a.yaml': bindingText('a'), 'b.yaml': bindingText('b') })
    const { names } = await readAll([folder.at('b.yaml'), '-', folder.path], bindingText('c'))
    expect(names).toStrictEqual(['b', 'c', 'a', 'b'])
  })

  test('that are named by an empty text are none, which is said', async () => {
    expect((await readAll([''])).problems).toStrictEqual([
      '-f "": names nothing; name a file, a folder, or - for standard input',
    ])
  })

  test('that hold nothing, and what is not there, are named', async () => {
    await using folder = await folderWith({ 'README.md': 'hello' })
    const missing = folder.at('missing.yaml')
    const { problems } = await readAll([folder.path, missing])
    expect(problems).toStrictEqual([
      `-f ${folder.path}: the folder holds no .yaml, .yml or .json file, and its own folders are not searched without -R`,
      `-f ${missing}: there is no such file or folder`,
    ])
  })
})
