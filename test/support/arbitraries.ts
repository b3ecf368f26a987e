/** What fast-check draws: names that Kubernetes allows, manifests that are nearly right or nearly wrong, and hostile JSON. */
import * as fc from 'fast-check'
import { replacesAnnotation } from '../../src/core/binding.ts'
import { ownerAnnotation } from '../../src/core/clusterspiffeid.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import { binding, clusterSpiffeId, objective, pool } from './builders.ts'
import type { Manifest } from './vectors.ts'

/** Few names, so that two objects that are drawn often have the same one. */
export const names = fc.constantFrom('a', 'b', 'c')

export const namespaces = fc.constantFrom(...Array.from({ length: 6 }, () => 'default'), 'other')

/** Names of pools and objectives: mostly the same one, because hardly any reference would lead to an object otherwise. */
const targets = fc.constantFrom(...Array.from({ length: 6 }, () => 'a'), 'b')

/** DNS-1123 subdomains of every shape, long ones too. */
export const subdomains = fc
  .array(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join('.'))
  .filter((name) => name.length <= 253)

export const dnsLabels = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)

const labelKeys = fc.constantFrom('app', 'App', 'app.kubernetes.io/name', 'z', '0')
export const labels = fc.dictionary(labelKeys, fc.constantFrom('a', 'b', 'A', '0.1'), {
  minKeys: 1,
  maxKeys: 3,
})

/** Strings that mean something to some layer: Go templates, terminals, prototypes, selectors, paths. */
const loaded = fc.constantFrom(
  '',
  ' ',
  '{{ .PodMeta.Name }}',
  '__proto__',
  'constructor',
  'toString',
  '../..',
  'spiffe://x/y',
  'k8s:ns:default',
  '\u0000\u001b[2J',
  '\ud800',
  '\u202e',
  'a\nb',
  'é',
  'x'.repeat(2000),
)

const fieldNames = fc.constantFrom(
  ownerAnnotation,
  ...'metadata spec status name namespace group kind mode poolRef objectiveRef selector matchLabels'.split(
    ' ',
  ),
  ...'matchExpressions serviceAccountName containerName conditions generation finalizers labels'.split(' '),
  ...'annotations hint podSelector workloadSelectorTemplates type length'.split(' '),
  ...'toJSON toString valueOf __proto__ constructor'.split(' '),
)

/** Any JSON, its keys and texts chosen to hurt. As JSON.parse gives it: `__proto__` is a key like others. */
export const hostileJson: fc.Arbitrary<unknown> = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.constantFrom(null, true, false, 0, -1, 1e308, 0.5),
      loaded,
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.oneof(fieldNames, loaded), tie('value')), { maxLength: 5 })
        .map(Object.fromEntries),
    ),
  }))
  .value.map((value): unknown => JSON.parse(JSON.stringify(value)))

/** Deeper than any recursion survives, as a body of seven megabytes can be. */
export const deep = (opening: string, closing: string, depth: number): unknown =>
  JSON.parse(opening.repeat(depth) + 'null' + closing.repeat(depth))

/** A manifest of which one part is replaced by anything at all. */
export const spoilt = (manifests: fc.Arbitrary<Manifest>): fc.Arbitrary<unknown> =>
  fc
    .tuple(manifests, fc.array(fc.tuple(fc.nat(), hostileJson), { minLength: 1, maxLength: 3 }))
    .map(([manifest, changes]) =>
      changes.reduce<unknown>((object, [at, value]) => replaceAt(object, at, value), manifest),
    )

/** Chooses a part of an object by the digits of a number, a digit for each level, and puts a value in the place of that part. */
function replaceAt(object: unknown, at: number, value: unknown): unknown {
  if (typeof object !== 'object' || object === null || at % 5 === 0) return value
  const entries = Object.entries(object)
  const chosen = entries[at % Math.max(entries.length, 1)]
  if (!chosen) return value
  const [key, inner] = chosen
  const next = replaceAt(inner, Math.floor(at / 5), value)
  return Array.isArray(object)
    ? object.with(Number(key), next)
    : Object.fromEntries([...entries, [key, next]])
}

const groupsOf = (row: readonly { readonly group: string }[]): readonly string[] =>
  row.map(({ group }) => group)

/** References, mostly without a group. */
const refs = (row: readonly { readonly group: string }[]): fc.Arbitrary<JsonObject> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ name: targets }) },
    { weight: 1, arbitrary: fc.record({ name: targets, group: fc.constantFrom('', ...groupsOf(row)) }) },
  )

/** References, with a group as often as without. */
const anyRef = (row: readonly { readonly group: string }[]): fc.Arbitrary<JsonObject> =>
  fc.record(
    { name: fc.constantFrom('a', 'a', 'b'), group: fc.constantFrom('', ...groupsOf(row)) },
    { requiredKeys: ['name'] },
  )

/** The group of an object: mostly undefined, which the builders take for the group that is tried first. */
const someGroup = (row: readonly { readonly group: string }[]): fc.Arbitrary<string | undefined> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...groupsOf(row)) },
  )

/** Bindings, of which many are valid and many collide. */
export const bindings: fc.Arbitrary<Manifest> = fc
  .record({
    name: names,
    namespace: namespaces,
    deleting: fc.integer({ max: 9, min: 0 }).map((n) => n === 0),
    spec: fc.record({
      poolRef: refs(poolResources),
      objectiveRef: fc.option(refs(objectiveResources), { nil: undefined, freq: 8 }),
      mode: fc.constantFrom('PoolOnly', ...Array.from({ length: 6 }, () => 'PerObjective'), 'Both'),
      serviceAccountName: fc.constantFrom(...Array.from({ length: 6 }, () => 'server'), 'worker', ''),
      containerName: fc.constantFrom('main', 'main', 'main', 'side', 'side', undefined),
    }),
  })
  .map(({ deleting, spec, ...rest }) =>
    binding({
      ...rest,
      metadata: { deletionTimestamp: deleting ? '2026-01-01T00:00:00Z' : undefined },
      spec: spec.mode === 'PoolOnly' ? { ...spec, containerName: undefined } : spec,
    }),
  )

export const pools: fc.Arbitrary<Manifest> = fc
  .record({
    name: targets,
    namespace: namespaces,
    group: someGroup(poolResources),
    selector: fc.oneof(
      { weight: 2, arbitrary: labels.map((matchLabels) => ({ matchLabels })) },
      { weight: 6, arbitrary: fc.constant({ matchLabels: { app: 'a' } }) },
      { weight: 1, arbitrary: fc.constantFrom({}, { app: 'a' }, { matchLabels: { app: '' } }) },
    ),
  })
  .map(pool)

export const objectives: fc.Arbitrary<Manifest> = fc
  .record({
    name: targets,
    namespace: namespaces,
    group: someGroup(objectiveResources),
    poolRef: refs(poolResources),
  })
  .map(objective)

/** The pool and the objective that most references name. */
export const foundation: readonly Manifest[] = [
  pool({ name: 'a', selector: { matchLabels: { app: 'a' } } }),
  objective({ name: 'a', poolRef: { name: 'a' } }),
]

/** ClusterSPIFFEIDs of ours, of the former operator and of others, for containers that bindings may claim. */
export const outputs: fc.Arbitrary<Manifest> = fc
  .record({
    name: fc.constantFrom('x', 'y', 'kleym-default-a-pool-00000000', 'kleym-default-b-objective-00000000'),
    owner: fc.option(fc.tuple(namespaces, names), { nil: undefined }),
    container: fc.option(fc.constantFrom('main', 'side'), { nil: undefined }),
    hint: fc.tuple(namespaces, names),
  })
  .map(({ name, owner, container, hint: [namespace, of] }) =>
    clusterSpiffeId(
      name,
      {
        uid: `uid-of-${name}`,
        annotations: owner && { [ownerAnnotation]: owner.join('/') },
        labels: {
          'kleym.sonda.red/managed-by': 'kleym',
          'kleym.sonda.red/binding-name': of,
          'kleym.sonda.red/binding-namespace': namespace,
        },
      },
      {
        hint: `${namespace}/${of}`,
        podSelector: { matchLabels: { app: 'a' } },
        workloadSelectorTemplates: [
          ...(container === undefined ? [] : [`k8s:container-name:${container}`]),
          `k8s:ns:${namespace}`,
          'k8s:pod-label:app:a',
          'k8s:sa:server',
        ],
      },
    ),
  )

/** Drawn objects of which no two have the same kind, group and name. */
const distinct = (objects: fc.Arbitrary<Manifest>): fc.Arbitrary<readonly Manifest[]> =>
  fc.uniqueArray(objects, {
    minLength: 2,
    maxLength: 6,
    selector: ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`,
  })

const fewNames = fc.constantFrom('a', 'b')

const renamed = (name: string, replaces: string | undefined, spec: JsonObject): Manifest =>
  binding({
    name,
    spec,
    ...(replaces !== undefined && { metadata: { annotations: { [replacesAnnotation]: replaces } } }),
  })

const anyBinding = fc
  .record({
    name: names,
    poolRef: anyRef(poolResources),
    objectiveRef: fc.option(anyRef(objectiveResources), { nil: undefined, freq: 12 }),
    containerName: fc.constantFrom('main', 'main', 'main', 'side', ''),
    mode: fc.constantFrom('PerObjective', 'PerObjective', 'PerObjective', 'PerObjective', 'PoolOnly'),
    replaces: fc.option(names, { nil: undefined, freq: 4 }),
  })
  .map(({ name, replaces, ...spec }) =>
    renamed(name, replaces, spec.mode === 'PoolOnly' ? { ...spec, containerName: undefined } : spec),
  )

const poolOf = (selectors: readonly JsonObject[]): fc.Arbitrary<Manifest> =>
  fc
    .record({
      name: fewNames,
      group: fc.constantFrom(...groupsOf(poolResources)),
      selector: fc.constantFrom(...selectors),
    })
    .map(pool)

const objectiveOf = (groups: readonly string[]): fc.Arbitrary<Manifest> =>
  fc
    .record({ name: fewNames, group: fc.constantFrom(...groups), poolRef: anyRef(poolResources) })
    .map(objective)

/** Bindings for one container, without groups, of pods that all pools select: the object that comes last decides which of them collide. */
const closeBinding = fc
  .record({
    name: fewNames,
    pool: fewNames,
    objective: fewNames,
    replaces: fc.option(fewNames, { nil: undefined, freq: 3 }),
  })
  .map(({ name, replaces, ...used }) =>
    renamed(name, replaces, { poolRef: { name: used.pool }, objectiveRef: { name: used.objective } }),
  )

const safe = { matchLabels: { app: 'a' } }

/**
 * Pools, objectives and bindings, each once, of few names in all groups: references with and without a group, unsafe
 * pools, objectives of other pools, bindings that ask for one container, invalid ones and other names for one identity.
 */
export const setsOfObjects: fc.Arbitrary<readonly Manifest[]> = fc.oneof(
  distinct(
    fc.oneof(
      { weight: 3, arbitrary: anyBinding },
      { weight: 2, arbitrary: poolOf([safe, safe, { matchLabels: { app: 'b' } }, {}]) },
      { weight: 3, arbitrary: objectiveOf(groupsOf(objectiveResources)) },
    ),
  ),
  distinct(
    fc.oneof(
      { weight: 2, arbitrary: closeBinding },
      { weight: 2, arbitrary: poolOf([safe, safe, safe, { matchLabels: { app: 'b' } }]) },
      { weight: 2, arbitrary: objectiveOf(groupsOf(objectiveResources).slice(0, 2)) },
    ),
  ),
)
