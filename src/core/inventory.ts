import { bindingKey, decodeBinding, type Binding, type BindingKey, type Mode } from './binding.ts'
import { collisionKeyIn, decodeOutput, outputName, type Output } from './clusterspiffeid.ts'
import { identityOf } from './evaluate.ts'
import type { Neighbours, World } from './facts.ts'
import type { Identity, Settings } from './identity.ts'
import { field, objectOr, sameJson, textOr } from './json.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from './references.ts'
import { bindingResource, clusterSpiffeIdResource, gvk, type Resource } from './resources.ts'
import type { Labels } from './selectors.ts'
import { Terms } from './terms.ts'

/** What a feeder reports. Objects are raw: they are decoded here, once. */
export type Change =
  | { readonly kind: 'upserted'; readonly resource: Resource; readonly object: unknown }
  | {
      readonly kind: 'removed'
      readonly resource: Resource
      readonly namespace: string
      readonly name: string
    }
  | { readonly kind: 'served'; readonly resource: Resource; readonly served: boolean }

type Entry = {
  readonly binding: Binding
  /** What it stands for among the others: nothing while it fails a check of its own or is being deleted. */
  readonly identity: Identity | undefined
  readonly terms: readonly string[]
}

/**
 * Everything known of the cluster, whoever found it out, with an index for every question that an evaluation
 * or a change asks, so that neither costs more among a hundred thousand bindings than among a hundred.
 */
export class Inventory implements World {
  readonly settings: Settings
  readonly neighbours: Neighbours = {
    sharingSpiffeId: (spiffeId) => this.#namesOf(terms.spiffeId(spiffeId)),
    onPool: (binding, mode) => this.#namesOf(terms.poolUse(binding, mode)),
    sharingLabel: (binding, labels) => this.#sharingLabel(binding, labels),
  }
  readonly #served = new Set<string>()
  readonly #entries = new Map<BindingKey, Entry>()
  readonly #pools = new Map<string, Pool>()
  readonly #objectives = new Map<string, Objective>()
  readonly #outputs = new Map<string, Output>()
  readonly #bindingTerms = new Terms<BindingKey>()
  readonly #outputTerms = new Terms<string>()

  constructor(settings: Settings) {
    this.settings = settings
  }

  isServed(resource: Resource): boolean {
    return this.#served.has(gvk(resource))
  }

  pool(resource: Resource, namespace: string, name: string): Pool | undefined {
    return this.#pools.get(objectKey(resource, namespace, name))
  }

  objective(resource: Resource, namespace: string, name: string): Objective | undefined {
    return this.#objectives.get(objectKey(resource, namespace, name))
  }

  holders(collisionKey: string): Iterable<string> {
    return this.#namesOf(terms.collision(collisionKey))
  }

  *#namesOf(term: string): Iterable<string> {
    for (const { binding } of this.#entriesWith(term)) yield binding.name
  }

  *#entriesWith(term: string): Iterable<Entry> {
    for (const key of this.#bindingTerms.of(term)) {
      const entry = this.#entries.get(key)
      if (entry) yield entry
    }
  }

  /**
   * Whose labels may be within these is found by the one label that each is filed under, and within whose labels
   * these may be by the rarest of these.
   */
  *#sharingLabel(binding: Binding, labels: Labels): ReturnType<Neighbours['sharingLabel']> {
    const own = labelsOf(binding, labels)
    const rarest = own.reduce((a, b) =>
      this.#bindingTerms.count(terms.label(b)) < this.#bindingTerms.count(terms.label(a)) ? b : a,
    )
    for (const term of [...own.map(terms.anchor), terms.label(rarest)])
      for (const { binding: other, identity } of this.#entriesWith(term))
        if (identity) yield { name: other.name, labels: identity.labels }
  }

  binding(key: BindingKey): Binding | undefined {
    return this.#entries.get(key)?.binding
  }

  bindings(): IteratorObject<Binding> {
    return this.#entries.values().map(({ binding }) => binding)
  }

  /** The bindings that refer to a pool or an objective by this name, in whatever group. */
  usersOf({ kind }: Resource, namespace: string, name: string): readonly Binding[] {
    const term = kind === 'InferencePool' ? terms.pool(namespace, name) : terms.objective(namespace, name)
    return [...this.#entriesWith(term)].map(({ binding }) => binding)
  }

  /** Everything that there is to look at: the bindings, and what outputs say of bindings that may be gone. */
  keys(): ReadonlySet<BindingKey> {
    const owners = [...this.#outputs.values()].flatMap(({ owner }) => owner ?? [])
    return new Set([...this.#entries.keys(), ...owners])
  }

  output(name: string): Output | undefined {
    return this.#outputs.get(name)
  }

  outputsOf(key: BindingKey): readonly Output[] {
    return this.#outputsWith(terms.owner(key))
  }

  /**
   * The outputs of other bindings by which their workloads still are what this key's would be. What the reference
   * operator left of a binding that is gone is nobody's to wait for.
   */
  outputsHolding(collisionKey: string, key: BindingKey): readonly Output[] {
    return this.#outputsWith(terms.collision(collisionKey)).filter(
      ({ owner, annotated }) =>
        owner !== undefined && owner !== key && (annotated || this.#entries.has(owner)),
    )
  }

  #outputsWith(term: string): readonly Output[] {
    return [...this.#outputTerms.of(term)].flatMap((name) => this.#outputs.get(name) ?? [])
  }

  /** Takes a change in. Returns the bindings whose evaluation or output it can concern. */
  apply(change: Change): ReadonlySet<BindingKey> {
    switch (change.kind) {
      case 'served':
        return this.#applyServed(change.resource, change.served)
      case 'upserted': {
        const { namespace, name } = nameOf(change.object)
        return this.#applyObject(change.resource, namespace, name, change.object)
      }
      case 'removed':
        return this.#applyObject(change.resource, change.namespace, change.name, undefined)
    }
  }

  #applyServed(resource: Resource, served: boolean): ReadonlySet<BindingKey> {
    if (served) this.#served.add(gvk(resource))
    else this.#served.delete(gvk(resource))
    return this.#reindex(new Set(this.#entries.keys()))
  }

  #applyObject(
    resource: Resource,
    namespace: string,
    name: string,
    object: unknown,
  ): ReadonlySet<BindingKey> {
    const at = objectKey(resource, namespace, name)
    switch (resource.kind) {
      case bindingResource.kind:
        return this.#applyBinding(bindingKey(namespace, name), object)
      case clusterSpiffeIdResource.kind:
        return this.#applyOutput(name, object)
      case 'InferencePool': {
        const pool = object === undefined ? undefined : decodePool(specOf(object))
        if (!replace(this.#pools, at, pool)) return nobody
        return this.#reindex(this.#bindingTerms.of(terms.pool(namespace, name)))
      }
      case 'InferenceObjective': {
        const objective = object === undefined ? undefined : decodeObjective(specOf(object), namespace)
        if (!replace(this.#objectives, at, objective)) return nobody
        return this.#reindex(this.#bindingTerms.of(terms.objective(namespace, name)))
      }
      default:
        return nobody
    }
  }

  #applyBinding(key: BindingKey, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#entries.get(key)
    if (object !== undefined) {
      const binding = decodeBinding(object)
      this.#entries.set(key, { binding, identity: before?.identity, terms: before?.terms ?? [] })
      return this.#reindex(new Set([key]))
    }
    if (!before) return nobody
    this.#entries.delete(key)
    this.#bindingTerms.remove(key, before.terms)
    return new Set([key, ...this.#rivals([before.identity?.collisionKey])])
  }

  #applyOutput(name: string, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#outputs.get(name)
    const after = object === undefined ? undefined : decodeOutput(object)
    if (before) this.#outputTerms.remove(name, outputTerms(before))
    if (after) this.#outputTerms.add(name, outputTerms(after))
    replace(this.#outputs, name, after)
    const concerned = new Set(this.#bindingTerms.of(terms.outputName(name)))
    for (const output of [before, after]) {
      if (output?.owner !== undefined) concerned.add(output.owner)
      for (const key of this.#rivals([output && collisionKeyIn(output)])) concerned.add(key)
    }
    return concerned
  }

  /**
   * Works out anew what bindings stand for. Beside themselves this concerns those with whom they share a
   * collision key now, or did before; each of them once, however many came or went.
   */
  #reindex(keys: ReadonlySet<BindingKey>): ReadonlySet<BindingKey> {
    // A copy: `keys` may be an index's own set, which changes underneath.
    const affected = [...keys]
    const contested = new Set<string | undefined>()
    for (const key of affected) {
      const entry = this.#entries.get(key)
      if (!entry) continue
      const { binding } = entry
      const identity = binding.deleting ? undefined : identityOf(binding, this)
      this.#bindingTerms.remove(key, entry.terms)
      const next = { binding, identity, terms: termsOf(binding, identity) }
      this.#bindingTerms.add(key, next.terms)
      this.#entries.set(key, next)
      if (identity?.collisionKey === entry.identity?.collisionKey) continue
      contested.add(entry.identity?.collisionKey).add(identity?.collisionKey)
    }
    return new Set([...affected, ...this.#rivals(contested)])
  }

  #rivals(collisionKeys: Iterable<string | undefined>): readonly BindingKey[] {
    return Iterator.from(collisionKeys)
      .flatMap((key) => (key === undefined ? nobody : this.#bindingTerms.of(terms.collision(key))))
      .toArray()
  }
}

const nobody: ReadonlySet<BindingKey> = new Set()

/** What bindings and outputs are found by. The prefix keeps one kind of question from answering another. */
const terms = {
  pool: (namespace: string, name: string) => `pool ${namespace}/${name}`,
  objective: (namespace: string, name: string) => `objective ${namespace}/${name}`,
  collision: (key: string) => `collision ${key}`,
  outputName: (name: string) => `output ${name}`,
  spiffeId: (spiffeId: string) => `id ${spiffeId}`,
  poolUse: ({ namespace, spec }: Binding, mode: Mode) =>
    `use ${JSON.stringify([namespace, spec.poolRef.name, spec.serviceAccountName, mode])}`,
  label: (label: string) => `label ${label}`,
  anchor: (label: string) => `anchor ${label}`,
  owner: (key: BindingKey) => `owner ${key}`,
}

function termsOf(binding: Binding, identity: Identity | undefined): readonly string[] {
  const { namespace, spec } = binding
  const pool = spec.poolRef.name
  const objective = spec.objectiveRef?.name
  return [
    ...(typeof pool === 'string' ? [terms.pool(namespace, pool)] : []),
    ...(typeof objective === 'string' ? [terms.objective(namespace, objective)] : []),
    ...(identity ? identityTerms(binding, identity) : []),
    ...(identity?.collisionKey === undefined ? [] : [terms.collision(identity.collisionKey)]),
  ]
}

const identityTerms = (binding: Binding, identity: Identity): readonly string[] => [
  terms.outputName(outputName(binding, identity)),
  terms.spiffeId(identity.spiffeId),
  terms.poolUse(binding, identity.mode),
  ...labelTerms(binding, identity.labels),
]

/** Labels as they are filed: for one service account and container. */
const labelsOf = ({ namespace, spec }: Binding, labels: Labels): readonly string[] =>
  Object.entries(labels).map(([key, value]) =>
    JSON.stringify([namespace, spec.serviceAccountName, spec.containerName, key, value]),
  )

/** Under each label, and under the longest as well, which is the most likely to set its pods apart. */
function labelTerms(binding: Binding, labels: Labels): readonly string[] {
  const filed = labelsOf(binding, labels)
  const longest = filed.reduce((a, b) => (b.length > a.length ? b : a))
  return [...filed.map(terms.label), terms.anchor(longest)]
}

function outputTerms(output: Output): readonly string[] {
  const key = collisionKeyIn(output)
  return [
    ...(output.owner === undefined ? [] : [terms.owner(output.owner)]),
    ...(key === undefined ? [] : [terms.collision(key)]),
  ]
}

const specOf = (object: unknown): unknown => objectOr(object)['spec']

function nameOf(object: unknown): { readonly namespace: string; readonly name: string } {
  const metadata = objectOr(objectOr(object)['metadata'])
  return { namespace: textOr(field(metadata, 'namespace'), ''), name: textOr(field(metadata, 'name'), '') }
}

const objectKey = (resource: Resource, namespace: string, name: string): string =>
  `${gvk(resource)} ${namespace}/${name}`

/** Puts a value in the place of what was there, if anything; says whether that made a difference. */
function replace<T>(map: Map<string, T>, key: string, value: T | undefined): boolean {
  const before = map.get(key)
  if (value === undefined) return map.delete(key)
  map.set(key, value)
  return before === undefined || !sameJson(before, value)
}
