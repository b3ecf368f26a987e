import { describe, expect, test } from 'vitest'
import { knownDefinitions } from '../../src/schema/kinds.ts'
import { objective } from '../support/builders.ts'
import { parsed } from './checking.ts'

const named = (text: string): readonly string[] =>
  parsed(text).items.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`)

const bindingText = (name: string): string => `\
apiVersion: kleym.sonda.red/v1alpha1
kind: InferenceIdentityBinding
metadata: {name: ${name}}
`

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

  test.each([
    ['inference.networking.x-k8s.io/v1alpha1', 'InferenceModel'],
    ['llm-d.ai/v1alpha1', 'InferenceModelRewrite'],
    ['spire.spiffe.io/v1beta1', 'ClusterStaticEntry'],
  ])('in whatever version: %s %s', (apiVersion, kind) => {
    const object = { apiVersion, kind, metadata: { name: 'a' } }
    expect(parsed(JSON.stringify(object))).toStrictEqual({ items: [], problems: [] })
  })

  test('but for one whose CustomResourceDefinition is given by --crds, which says what its versions are', () => {
    const known = knownDefinitions.find((one) => one.kind === 'InferenceModel')
    const given = known ? [{ ...known, schema: {} }, ...knownDefinitions] : []
    const text = JSON.stringify({ apiVersion: `${known?.group}/v1alpha1`, kind: 'InferenceModel' })
    const { items } = parsed(text, 'x.yaml', given)
    expect(items.flatMap(({ causes }) => causes)).toMatchObject([
      { message: expect.stringMatching(/; served is inference\.networking\.x-k8s\.io\/v1alpha2$/v) },
    ])
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
    expect(parsed(text).problems).toStrictEqual([])
    expect(named(text)).toStrictEqual([
      'InferenceIdentityBinding default/a',
      'InferenceIdentityBinding default/b',
    ])
    expect(odditiesIn(text)).toStrictEqual(['5 what follows ... is not read, up to the next ---'])
    expect(odditiesIn(`${bindingText('a')}...\n# fine\n--- # fine\n`)).toStrictEqual([])
  })
})
