import { bindingKey, decodeBinding, isSameSpec, type Binding, type BindingKey } from './binding.ts'
import { BindingIndex } from './binding-index.ts'
import { Catalogue } from './catalogue.ts'
import { decodeOutput, isSameButForStats, type Output } from './clusterspiffeid.ts'
import { identityOf } from './evaluate.ts'
import type { Neighbours, World } from './facts.ts'
import type { Fallback } from './fallbacks.ts'
import type { Identity, Settings } from './identity.ts'
import { field, objectOr, textOr } from './json.ts'
import { OutputIndex } from './output-index.ts'
import { doOverlap } from './overlap.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from './references.ts'
import { bindingResource, clusterSpiffeIdResource, type Resource } from './resources.ts'

/** What a feeder reports. Objects are raw: they are decoded here, once. */
export type Change =
  | { readonly kind: 'upserted'; readonly resource: Resource; readonly object: unknown }
  | {
      readonly kind: 'removed'
      readonly resource: Resource
      readonly namespace: string
      readonly name: string
    }
  | {
      readonly kind: 'served'
      readonly resource: Resource
      readonly served: boolean
      /** Another one wherever the schema of the kind may be another. */
      readonly schema?: string | undefined
    }

type Entry = {
  readonly binding: Binding
  /** What it stands for among the others: nothing while it fails a check of its own or is being deleted. */
  readonly identity: Identity | undefined
}

/**
 * Everything known of the cluster, whoever found it out, with an index for every question that an evaluation
 * or a change asks, so that neither costs more among a hundred thousand bindings than among a hundred.
 */
export class Inventory implements World {
  readonly settings: Settings
  readonly neighbours: Neighbours = {
    sharingSpiffeId: (spiffeId) => namesOf(this.#index.giving(spiffeId)),
    onPool: (binding, poolGroup, mode) => namesOf(this.#index.beside(binding, poolGroup, mode)),
    overlapping: (binding, identity) =>
      Iterator.from(this.#index.near(binding, identity.pods)).flatMap((key) => {
        const { binding: other, identity: its } = this.#entries.get(key) ?? {}
        const isNear = other && its && doOverlap({ binding, identity }, { binding: other, identity: its })
        return isNear ? [other.name] : []
      }),
  }
  /** By the resource itself: there is one of each kind, in resources.ts. */
  readonly #served = new Map<Resource, string | undefined>()
  readonly #entries = new Map<BindingKey, Entry>()
  readonly #index = new BindingIndex()
  readonly #pools = new Catalogue<Pool>()
  readonly #objectives = new Catalogue<Objective>()
  readonly #outputs = new OutputIndex()

  constructor(settings: Settings) {
    this.settings = settings
  }

  isServed(resource: Resource): boolean {
    return this.#served.has(resource)
  }

  /** Which schema a kind is served by; undefined where that is not known. */
  schemaOf(resource: Resource): string | undefined {
    return this.#served.get(resource)
  }

  pool(resource: Resource, namespace: string, name: string): Pool | undefined {
    return this.#pools.get(resource, namespace, name)
  }

  objective(resource: Resource, namespace: string, name: string): Objective | undefined {
    return this.#objectives.get(resource, namespace, name)
  }

  holders(collisionKey: string): Iterable<string> {
    return namesOf(this.#index.holding(collisionKey))
  }

  binding(key: BindingKey): Binding | undefined {
    return this.#entries.get(key)?.binding
  }

  bindings(): IteratorObject<Binding> {
    return this.#entries.values().map(({ binding }) => binding)
  }

  /** The bindings whose output would have this name, in the order in which they came, as long as none has changed. */
  wanting(outputName: string): readonly Binding[] {
    return [...this.#index.wanting(outputName)].flatMap((key) => this.binding(key) ?? [])
  }

  /** The bindings that refer to a pool or an objective by this name, in whatever group. */
  usersOf({ kind }: Resource, namespace: string, name: string): readonly Binding[] {
    const users =
      kind === 'InferencePool'
        ? this.#index.usingPool(namespace, name)
        : this.#index.usingObjective(namespace, name)
    return [...users].flatMap((key) => this.binding(key) ?? [])
  }

  /** Everything that there is to look at: the bindings, and what outputs say of bindings that may be gone. */
  keys(): ReadonlySet<BindingKey> {
    return new Set([...this.#entries.keys(), ...this.#outputs.owners()])
  }

  output(name: string): Output | undefined {
    return this.#outputs.get(name)
  }

  outputsOf(key: BindingKey): readonly Output[] {
    return this.#outputs.of(key)
  }

  /** All outputs of ours. */
  outputs(): Iterable<Output> {
    return this.#outputs.owned()
  }

  /** Those that SPIRE Controller Manager has not looked at. */
  unprocessed(): readonly Output[] {
    return this.#outputs.unprocessed()
  }

  /** The ClusterSPIFFEIDs of others that give way to ours. */
  fallbacks(): Iterable<Fallback> {
    return this.#outputs.fallbacks()
  }

  /**
   * The outputs of other bindings by which their workloads still are what this key's would be. What the reference
   * operator left of a binding that is gone is nobody's to wait for.
   */
  outputsHolding(collisionKey: string, key: BindingKey): readonly Output[] {
    return this.#outputs
      .holding(collisionKey)
      .filter(
        ({ owner, annotated }) =>
          owner !== undefined && owner !== key && (annotated || this.#entries.has(owner)),
      )
  }

  /** Takes a change in. Returns the bindings whose evaluation or output it can concern. */
  apply(change: Change): ReadonlySet<BindingKey> {
    switch (change.kind) {
      case 'served':
        return this.#applyServed(change)
      case 'upserted': {
        const { namespace, name } = nameOf(change.object)
        return this.#applyObject(change.resource, namespace, name, change.object)
      }
      case 'removed':
        return this.#applyObject(change.resource, change.namespace, change.name, undefined)
    }
  }

  #applyServed({ resource, served, schema }: Extract<Change, { kind: 'served' }>): ReadonlySet<BindingKey> {
    if (served) this.#served.set(resource, schema)
    else this.#served.delete(resource)
    return this.#reindex([...this.#entries.keys()])
  }

  #applyObject(
    resource: Resource,
    namespace: string,
    name: string,
    object: unknown,
  ): ReadonlySet<BindingKey> {
    switch (resource.kind) {
      case bindingResource.kind:
        return this.#applyBinding(bindingKey(namespace, name), object)
      case clusterSpiffeIdResource.kind:
        return this.#applyOutput(name, object)
      case 'InferencePool': {
        const pool = object === undefined ? undefined : decodePool(specOf(object))
        if (!this.#pools.set(resource, namespace, name, pool)) return nobody
        return this.#reindex([...this.#index.usingPool(namespace, name)])
      }
      case 'InferenceObjective': {
        const objective = object === undefined ? undefined : decodeObjective(specOf(object), namespace)
        if (!this.#objectives.set(resource, namespace, name, objective)) return nobody
        return this.#reindex([...this.#index.usingObjective(namespace, name)])
      }
      default:
        return nobody
    }
  }

  #applyBinding(key: BindingKey, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#entries.get(key)
    if (object === undefined) return before ? this.#forget(key, before) : nobody
    const binding = decodeBinding(object)
    // Most changes of a binding are our own, of its status.
    if (before && before.binding.deleting === binding.deleting && isSameSpec(before.binding, binding)) {
      this.#entries.set(key, { ...before, binding: { ...binding, spec: before.binding.spec } })
      return new Set([key])
    }
    return new Set([key, ...this.#rivals(this.#place(key, binding))])
  }

  #forget(key: BindingKey, { binding, identity }: Entry): ReadonlySet<BindingKey> {
    this.#entries.delete(key)
    this.#index.remove(key, binding, identity)
    return new Set([key, ...this.#rivals([identity?.collisionKey])])
  }

  #applyOutput(name: string, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#outputs.get(name)
    const after = object === undefined ? undefined : decodeOutput(object)
    const changed = this.#outputs.set(name, after)
    if (before && after && isSameButForStats(before, after)) return nobody
    return new Set([
      ...this.#index.wanting(name),
      ...changed.flatMap(({ output }) => output.owner ?? []),
      ...this.#rivals(changed.map(({ held }) => held)),
    ])
  }

  /**
   * Works out anew what bindings stand for. Beside themselves this concerns those with whom they share a
   * collision key now, or did before; each of them once, however many came or went.
   */
  #reindex(affected: readonly BindingKey[]): ReadonlySet<BindingKey> {
    const contested = new Set<string | undefined>()
    for (const key of affected) {
      const binding = this.binding(key)
      for (const collisionKey of binding ? this.#place(key, binding) : []) contested.add(collisionKey)
    }
    return new Set([...affected, ...this.#rivals(contested)])
  }

  /** Returns the collision keys of before and after where they differ. */
  #place(key: BindingKey, binding: Binding): readonly (string | undefined)[] {
    const before = this.#entries.get(key)
    const identity = binding.deleting ? undefined : identityOf(binding, this)
    if (before) this.#index.remove(key, before.binding, before.identity)
    this.#index.add(key, binding, identity)
    this.#entries.set(key, { binding, identity })
    const keys = [before?.identity?.collisionKey, identity?.collisionKey]
    return keys[0] === keys[1] ? [] : keys
  }

  #rivals(collisionKeys: Iterable<string | undefined>): readonly BindingKey[] {
    return [...collisionKeys].flatMap((key) => (key === undefined ? [] : [...this.#index.holding(key)]))
  }
}

const nobody: ReadonlySet<BindingKey> = new Set()

/** The names of bindings, which are of one namespace: nothing is shared between two. */
const namesOf = (keys: ReadonlySet<BindingKey>): Iterable<string> =>
  keys.size === 0 ? [] : keys.values().map((key) => key.slice(key.indexOf('/') + 1))

const specOf = (object: unknown): unknown => objectOr(object)['spec']

function nameOf(object: unknown): { readonly namespace: string; readonly name: string } {
  const metadata = objectOr(objectOr(object)['metadata'])
  return { namespace: textOr(field(metadata, 'namespace'), ''), name: textOr(field(metadata, 'name'), '') }
}
