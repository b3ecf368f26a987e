import { mkdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readTexts } from '../../src/cli/files.ts'
import { parseManifests, type Items } from '../../src/cli/manifests.ts'
import { knownDefinitions } from '../../src/schema/kinds.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { folderWith } from './checking.ts'

const parsed = (text: string, file = 'x.yaml'): Items =>
  parseManifests(text, file, { namespace: 'default', definitions: knownDefinitions })

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

/** What an API server refuses of an object, with the line where that is. */
const causesIn = (text: string): readonly string[] =>
  parsed(text).items.flatMap(({ causes, place }) =>
    causes.map(({ path, field, message }) => `${place.lineOf(path)} ${field}: ${message}`),
  )

const poolText = `\
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata:
  name: p
spec:
  selector:
    matchLabels: {app: a}
  targetPorts:
  - number: 8000
`

describe('what an API server refuses is said of the object, with the line of the field', () => {
  test.each([
    ['nothing', poolText, []],
    [
      'no name',
      poolText.replace('name: p', 'labels: {a: b}'),
      ['3 metadata.name: Required value: name or generateName is required'],
    ],
    ['a generated name', poolText.replace('name: p', 'generateName: p-'), []],
    [
      'a name that is none',
      poolText.replace('name: p', 'name: A_b'),
      [/^4 metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must/],
    ],
    [
      'a prefix that is none',
      poolText.replace('name: p', 'generateName: A'),
      [/^4 metadata\.generateName: Invalid value: "A": a lowercase/],
    ],
    [
      'a name that is a number',
      poolText.replace('name: p', 'name: 7'),
      [
        '4 metadata.name: json: cannot unmarshal number into Go struct field ObjectMeta.name of type string; quote it: "7"',
      ],
    ],
    [
      'a label that is a truth value',
      poolText.replace('name: p', 'name: p\n  labels:\n    x: yes'),
      [
        '6 metadata.labels.x: json: cannot unmarshal bool into Go struct field ObjectMeta.labels of type string; quote it: "true"',
      ],
    ],
    [
      'a namespace that is none',
      poolText.replace('name: p', 'name: p\n  namespace: a.b'),
      ['5 metadata.namespace: Invalid value: "a.b": must not contain dots'],
    ],
    [
      'an unknown field',
      poolText.replace('number: 8000', 'number: 8000\n    nunber: 1'),
      ['10 spec.targetPorts[0].nunber: unknown field "spec.targetPorts[0].nunber"; did you mean number?'],
    ],
    [
      'an unknown field of the metadata',
      poolText.replace('name: p', 'name: p\n  label: {}'),
      ['5 metadata.label: unknown field "metadata.label"; did you mean labels?'],
    ],
    ['a missing field', poolText.replace(/ {2}targetPorts:[^]*/, ''), ['5 spec.targetPorts: Required value']],
    [
      'a value that is none of those',
      `${poolText}  appProtocol: tcp\n`,
      ['10 spec.appProtocol: Unsupported value: "tcp": supported values: "http", "kubernetes.io/h2c"'],
    ],
    [
      'a rule in CEL',
      `${poolText}  - number: 8000\n`,
      ['8 spec.targetPorts: Invalid value: port number must be unique'],
    ],
    [
      'a version that nobody serves',
      poolText.replace('/v1\n', '/v1alpha9\n'),
      [
        '1 apiVersion: no matches for kind "InferencePool" in version "inference.networking.k8s.io/v1alpha9"; served is inference.networking.k8s.io/v1, inference.networking.x-k8s.io/v1alpha2',
      ],
    ],
    [
      'a kind that nobody serves',
      poolText.replace('kind: InferencePool', 'kind: InferencePol'),
      [
        '1 apiVersion: no matches for kind "InferencePol" in version "inference.networking.k8s.io/v1"; did you mean InferencePool in version inference.networking.k8s.io/v1?',
      ],
    ],
    [
      'in a list',
      `kind: List\nitems:\n- ${poolText.trimEnd().replaceAll('\n', '\n  ')}\n    nope: 1\n`,
      ['12 spec.nope: unknown field "spec.nope"'],
    ],
  ] satisfies readonly (readonly [string, string, readonly (string | RegExp)[]])[])(
    '%s',
    (_title, text, wanted) => {
      expect(causesIn(text)).toHaveLength(wanted.length)
      for (const [at, one] of causesIn(text).entries()) expect(one).toMatch(wanted[at] ?? '')
    },
  )

  test('kinds of other projects are nobody to judge', () => {
    const text = `apiVersion: v1\nkind: Service\nmetadata: {name: A_b}\n---\napiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\nmetadata: {name: A_b}\n`
    expect(parsed(text)).toStrictEqual({ items: [], problems: [] })
  })

  test('an objective of llm-d belongs to a pool of the group that its schema says', () => {
    const [one] = parsed(JSON.stringify(objective({ group: 'llm-d.ai' }))).items
    expect(one?.manifest?.object['spec']).toStrictEqual({
      poolRef: { name: 'chat', group: 'inference.networking.k8s.io', kind: 'InferencePool' },
    })
  })
})

const odditiesIn = (text: string): readonly string[] =>
  parsed(text).items.flatMap(({ oddities }) => oddities.map(({ line, message }) => `${line} ${message}`))

describe('what kubectl reads otherwise than it looks is told', () => {
  test('a key twice: the last one counts', () => {
    const text = `${bindingText('a')}metadata: {name: b}\nspec: {mode: x, "mode": y}\n`
    expect(named(text)).toStrictEqual(['InferenceIdentityBinding default/b'])
    expect(odditiesIn(text)).toStrictEqual([
      '4 key "metadata" is repeated; the last one counts',
      '5 key "mode" is repeated; the last one counts',
    ])
  })

  test('in JSON too, and not where a key is merged in', () => {
    expect(
      odditiesIn(
        '{"apiVersion": "llm-d.ai/v1alpha2", "kind": "InferenceObjective", "kind": "InferenceObjective"}',
      ),
    ).toHaveLength(1)
    expect(odditiesIn(`${bindingText('a')}spec: {a: &x {b: 1}, c: {<<: *x, <<: *x, b: 2}}\n`)).toStrictEqual(
      [],
    )
  })

  test('what follows the end of a document', () => {
    const text = `${bindingText('a')}...\n{{ nothing: [\n---\n${bindingText('b')}`
    expect(problemsIn(text)).toStrictEqual([])
    expect(named(text)).toStrictEqual([
      'InferenceIdentityBinding default/a',
      'InferenceIdentityBinding default/b',
    ])
    expect(odditiesIn(text)).toStrictEqual(['5 what follows ... is not read, up to the next ---'])
    expect(odditiesIn(`${bindingText('a')}...\n# fine\n--- # fine\n`)).toStrictEqual([])
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

  test('come with files and standard input in the order given', async () => {
    await using folder = await folderWith({ 'a.yaml': bindingText('a'), 'b.yaml': bindingText('b') })
    const { names } = await readAll([folder.at('b.yaml'), '-', folder.path], bindingText('c'))
    expect(names).toStrictEqual(['b', 'c', 'a', 'b'])
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
