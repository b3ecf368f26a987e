/** Manifests that an API server nearly takes: right ones of every kind, of which a few parts are spoilt. */
import * as fc from 'fast-check'
import { isObject, type JsonObject } from '../../../src/core/json.ts'

export const namespace = 'differ'

const typeOf = (apiVersion: string, kind: string): JsonObject => ({ apiVersion, kind })

/** An object with all its fields, so that there is much to spoil. */
const fine: readonly JsonObject[] = [
  {
    ...typeOf('kleym.sonda.red/v1alpha1', 'InferenceIdentityBinding'),
    spec: {
      mode: 'PerObjective',
      poolRef: { name: 'chat', group: 'inference.networking.k8s.io' },
      objectiveRef: { name: 'chat', group: 'llm-d.ai' },
      serviceAccountName: 'server',
      containerName: 'side',
    },
  },
  {
    ...typeOf('kleym.sonda.red/v1alpha1', 'InferenceIdentityBinding'),
    spec: { mode: 'PoolOnly', poolRef: { name: 'chat' }, serviceAccountName: 'server' },
  },
  {
    ...typeOf('inference.networking.k8s.io/v1', 'InferencePool'),
    spec: {
      selector: { matchLabels: { app: 'new', tier: 'a' } },
      targetPorts: [{ number: 8000 }, { number: 8001 }],
      appProtocol: 'http',
      endpointPickerRef: {
        name: 'picker',
        kind: 'Service',
        group: '',
        failureMode: 'FailOpen',
        port: { number: 9002 },
      },
    },
    status: { parents: [{ parentRef: { name: 'x' }, conditions: [{ type: 'Accepted' }] }] },
  },
  {
    ...typeOf('inference.networking.x-k8s.io/v1alpha2', 'InferencePool'),
    spec: {
      selector: { app: 'new' },
      targetPortNumber: 8000,
      extensionRef: {
        name: 'picker',
        portNumber: 9002,
        kind: 'Service',
        group: '',
        failureMode: 'FailClose',
      },
    },
  },
  {
    ...typeOf('inference.networking.x-k8s.io/v1alpha2', 'InferenceObjective'),
    spec: {
      priority: 1,
      poolRef: { name: 'chat', kind: 'InferencePool', group: 'inference.networking.k8s.io' },
    },
  },
  {
    ...typeOf('llm-d.ai/v1alpha2', 'InferenceObjective'),
    spec: { priority: 1, poolRef: { name: 'chat' } },
    status: { conditions: [] },
  },
  {
    ...typeOf('spire.spiffe.io/v1alpha1', 'ClusterSPIFFEID'),
    spec: {
      spiffeIDTemplate: 'spiffe://example.org/x',
      podSelector: {
        matchLabels: { app: 'x' },
        matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }],
      },
      workloadSelectorTemplates: ['k8s:ns:x'],
      fallback: true,
      hint: 'x',
    },
  },
]

/** One value of these lists. */
const among = (...lists: readonly (readonly unknown[])[]): fc.Arbitrary<unknown> =>
  fc.constantFrom(...lists.flat(1))

const labels = among(
  [{}, { app: 'a' }, { 'app.kubernetes.io/name': 'A.b_c-1' }, { 'A/b': '' }, { 'a b': 'c' }, { a: 'b c' }],
  [
    { 'a/b/c': '' },
    { '/a': 'b' },
    { 'a/': 'b' },
    { a: 'x'.repeat(64) },
    { ['k'.repeat(64)]: 'a' },
    { é: 'é' },
  ],
  [{ a: 7 }, { a: true }, { a: null }, { a: [] }, { a: {} }, 'x', 7, [], null],
)

const metadata: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      name: among(
        ['fresh', 'fresh', 'fresh', 'a.b-c', 'A', 'a_b', '-a', 'a-', 'a/b', ''],
        ['n'.repeat(253), 'n'.repeat(254), 7, null, true],
      ),
      generateName: fc.constantFrom<unknown>('a-', 'a', 'A-', 'a.', '-', 'g'.repeat(260), '', null),
      labels,
      annotations: labels,
      finalizers: fc.constantFrom<unknown>([], ['a.b/c'], ['a b'], ['/x'], 'x', [7], null),
      ownerReferences: fc.constantFrom<unknown>(
        [],
        [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' }],
        [{ apiVersion: 'v1', kind: 'Pod', nane: 'a' }],
        {},
      ),
      generation: fc.constantFrom<unknown>(1, 'x', null),
      creationTimestamp: fc.constantFrom<unknown>('2026-01-01T00:00:00Z', null, 7),
      label: fc.constant({}),
    },
    { requiredKeys: [] },
  )
  .map((drawn) => ('generateName' in drawn ? drawn : { name: 'fresh', ...drawn }))

/** Metadata, mostly a name and nothing else. */
const anyMetadata: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ name: 'fresh' }) },
  { weight: 1, arbitrary: fc.constant({ generateName: 'fresh-' }) },
  { weight: 2, arbitrary: metadata },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('x', null, [], {}, undefined) },
)

const value = among(
  [null, true, false, 0, 1, -1, 1.5, 65535, 65536, 8000, 8001, 2 ** 31, -(2 ** 31), 2 ** 53, 1e30],
  ['', ' ', 'a', 'chat', 'unsafe', 'gone', 'server', 'main', 'A b', 'é', 'x'.repeat(64), 'x'.repeat(254)],
  ['x'.repeat(1025), 'http', 'Service', 'PoolOnly', 'PerObjective', 'InferencePool', '-', 'a"b\\', 'a\nb'],
  [
    'inference.networking.k8s.io',
    'inference.networking.x-k8s.io',
    'llm-d.ai',
    {},
    { name: 'chat' },
    { number: 1 },
  ],
  [{ matchLabels: {} }, { a: 'b' }],
  [[], [1], ['a'], [{ number: 8000 }], Array.from({ length: 9 }, (_, at) => ({ number: at + 1 }))],
)

const fieldName = fc.constantFrom(
  ...'name nane kind group number port mode selector poolref extra metadata apiVersion constructor'.split(
    ' ',
  ),
  '__proto__',
  'a b',
  'matchExpressions',
  'namespace',
)

/** One part of an object replaced, taken away, or added beside. */
type Edit = {
  readonly at: number
  readonly what: 'set' | 'drop' | 'add'
  readonly name: string
  readonly value: unknown
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('set', 'set', 'set', 'drop', 'add'),
  name: fieldName,
  value,
})

/** Chooses a part of an object by the digits of a number, a digit for each level, and edits that part. */
function edited(part: unknown, at: number, change: Edit): unknown {
  if (Array.isArray(part) && part.length > 0) {
    const index = at % part.length
    return part.with(index, edited(part[index], Math.floor(at / 7), change))
  }
  if (!isObject(part) || Object.keys(part).length === 0) return change.value
  const names = Object.keys(part)
  const name = names[at % names.length] ?? ''
  const below = part[name]
  const isDeep = typeof below === 'object' && below !== null && Math.floor(at / 7) % 6 !== 0
  if (isDeep) return { ...part, [name]: edited(below, Math.floor(at / 42), change) }
  if (change.what === 'drop')
    return Object.fromEntries(Object.entries(part).filter(([other]) => other !== name))
  return Object.fromEntries([
    ...Object.entries(part).filter(([other]) => change.what === 'add' || other !== name),
    [change.what === 'add' ? change.name : name, change.value],
  ])
}

export type Drawn = JsonObject & { readonly apiVersion: string; readonly kind: string }

export const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    base: fc.constantFrom(...fine),
    meta: anyMetadata,
    edits: fc.array(edit, { maxLength: 3 }),
    root: fc.constantFrom<JsonObject>(...Array.from({ length: 12 }, () => ({})), { extra: 1 }, { sepc: {} }),
  })
  .map(({ base, meta, edits, root }) => {
    const { spec, status } = base
    const spoilt = edits.reduce<unknown>((part, one) => edited(part, one.at, one), { spec, status })
    const { apiVersion, kind } = base
    return {
      ...root,
      ...(isObject(spoilt) ? JSON.parse(JSON.stringify(spoilt)) : {}),
      ...(meta !== undefined && { metadata: meta }),
      apiVersion: String(apiVersion),
      kind: String(kind),
    }
  })
