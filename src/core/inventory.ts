import { bindingKey, decodeBinding, isSameWish, type Binding, type BindingKey } from './binding.ts'
import { Catalogue } from './catalogue.ts'
import { Census, type Entry } from './census.ts'
import { decodeOutput, isSameButForStats, type Output } from './clusterspiffeid.ts'
import { noStake, stakeOf, type Stake } from './evaluate.ts'
import type { Neighbours } from './facts.ts'
import type { Fallback } from './fallbacks.ts'
import type { Settings } from './identity.ts'
import { field, objectOr, sameJson, textOr, type JsonObject } from './json.ts'
import { OutputIndex } from './output-index.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from './references.ts'
import { bindingResource, clusterSpiffeIdResource, type Resource } from './resources.ts'
import type { Known } from './overlay.ts'
import { Sharing } from './sharing.ts'

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

/**
 * Everything known of the cluster, whoever found it out, with an index for every question that an evaluation
 * or a change asks, so that neither costs more among a hundred thousand bindings than among a hundred.
 */
export class Inventory implements Known {
  readonly settings: Settings
  readonly neighbours: Neighbours = {
    sharingSpiffeId: (spiffeId) => this.#census.sharingSpiffeId(spiffeId),
    onPool: (binding, poolGroup, mode) => this.#census.onPool(binding, poolGroup, mode),
    overlapping: (binding, identity) => this.#census.overlapping(binding, identity),
  }
  /** By the resource itself: there is one of each kind, in resources.ts. */
  readonly #served = new Map<Resource, string | undefined>()
  readonly #census = new Census()
  readonly #pools = new Catalogue<Pool>()
  readonly #objectives = new Catalogue<Objective>()
  readonly #outputs = new OutputIndex()
  readonly #sharing = new Sharing()

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

  holders(collisionKey: string): Iterable<Binding> {
    return this.#census.holders(collisionKey)
  }

  claimants(collisionKey: string): Iterable<Binding> {
    return this.#census.claimants(collisionKey)
  }

  sharing(reference: string): Iterable<Binding> {
    return this.#census.sharing(reference)
  }

  binding(key: BindingKey): Binding | undefined {
    return this.#census.get(key)?.binding
  }

  stakeOf({ namespace, name }: Binding): Stake {
    return this.#census.get(bindingKey(namespace, name))?.stake ?? noStake
  }

  bindings(): IteratorObject<Binding> {
    return this.#census.entries().map(({ binding }) => binding)
  }

  /** How many bindings a namespace has. */
  bindingsIn(namespace: string): number {
    return this.#census.sizeOf(namespace)
  }

  /** The bindings whose output would have this name, in the order in which they came, as long as none has changed. */
  wanting(outputName: string): readonly Binding[] {
    return this.#census.all(this.#census.wanting(outputName))
  }

  usersOf(resource: Resource, namespace: string, name: string): readonly Binding[] {
    return this.#census.all(this.#census.using(resource, namespace, name))
  }

  /** The bindings that say that they replace one. */
  replacing(key: BindingKey): readonly Binding[] {
    return this.#census.all(this.#census.replacing(key))
  }

  /** Everything that there is to look at: the bindings, and what outputs say of bindings that may be gone. */
  keys(): ReadonlySet<BindingKey> {
    return new Set([...this.#census.keys(), ...this.#outputs.owners()])
  }

  output(name: string): Output | undefined {
    return this.#outputs.get(name)
  }

  outputsOf(key: BindingKey): readonly Output[] {
    return this.#outputs.of(key)
  }

  copiesOf(key: BindingKey): readonly Output[] {
    return this.#outputs.copiesOf(key)
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
          owner !== undefined && owner !== key && (annotated || this.#census.get(owner) !== undefined),
      )
  }

  /** Gives an object that will be taken in later what others have, too: of a list there are thousands until it is complete. */
  lighten(object: JsonObject): void {
    this.#sharing.object(object)
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
    return this.#reindex([...this.#census.keys()])
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
        if (pool) this.#sharing.pool(pool)
        if (!this.#pools.set(resource, namespace, name, pool)) return nobody
        return this.#reindex([...this.#census.using(resource, namespace, name)])
      }
      case 'InferenceObjective': {
        const objective = object === undefined ? undefined : decodeObjective(specOf(object), namespace)
        if (objective) this.#sharing.objective(objective)
        if (!this.#objectives.set(resource, namespace, name, objective)) return nobody
        return this.#reindex([...this.#census.using(resource, namespace, name)])
      }
      default:
        return nobody
    }
  }

  #applyBinding(key: BindingKey, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#census.get(key)
    if (object === undefined) return before ? this.#forget(key) : nobody
    const binding = decodeBinding(object)
    // Most changes of a binding are our own, of its status.
    if (before && before.binding.deleting === binding.deleting && isSameWish(before.binding, binding)) {
      this.#sharing.binding(binding, before.stake.identity, this.#outputs.of(key))
      this.#census.refresh(key, { ...binding, spec: before.binding.spec })
      return this.#withReplaced([key])
    }
    const contested = this.#place(key, binding)
    // A name that it takes or gives up changes who is in its way, under the same key.
    const renamed = before && before.binding.replaces !== binding.replaces ? this.#keysOf(key) : []
    return this.#withReplaced([key, ...this.#rivals([...contested, ...renamed]), ...replacedBy(before)])
  }

  #forget(key: BindingKey): ReadonlySet<BindingKey> {
    const gone = this.#census.remove(key)
    return new Set([key, ...this.#rivals([gone?.stake.identity?.collisionKey]), ...replacedBy(gone)])
  }

  #applyOutput(name: string, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#outputs.get(name)
    const after = object === undefined ? undefined : decodeOutput(object)
    if (after?.owner !== undefined) this.#sharing.output(after, this.#census.get(after.owner)?.stake.identity)
    if (before && after?.owner !== undefined && isSameButForStats(before, after)) {
      this.#outputs.refresh(after)
      return nobody
    }
    const changed = this.#outputs.set(name, after)
    return this.#withReplaced([
      ...this.#census.wanting(name),
      ...changed.flatMap(({ output }) => output.owner ?? output.copyOf ?? []),
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
    return this.#withReplaced([...affected, ...this.#rivals(contested)])
  }

  /** Returns the collision keys of before and after where they differ. */
  #place(key: BindingKey, binding: Binding): readonly (string | undefined)[] {
    const before = this.#census.get(key)
    const stake: Stake = binding.deleting ? noStake : stakeOf(binding, this)
    // Most changes of what bindings refer to, and of what is served, leave nearly all of them as they are.
    if (before?.binding === binding && sameJson(before.stake, stake)) return []
    const outputs = this.#outputs.of(key)
    this.#sharing.binding(binding, stake.identity, outputs)
    for (const output of outputs) this.#sharing.output(output, stake.identity)
    this.#census.place(key, { binding, stake })
    const keys = [before?.stake.identity?.collisionKey, stake.identity?.collisionKey]
    return keys[0] === keys[1] ? [] : keys
  }

  #keysOf(key: BindingKey): readonly (string | undefined)[] {
    return [this.#census.get(key)?.stake.identity?.collisionKey]
  }

  #rivals(collisionKeys: Iterable<string | undefined>): readonly BindingKey[] {
    return [...collisionKeys].flatMap((key) => (key === undefined ? [] : [...this.#census.holding(key)]))
  }

  /** A binding that is being replaced waits for the one that does. */
  #withReplaced(keys: readonly BindingKey[]): ReadonlySet<BindingKey> {
    return new Set([...keys, ...keys.flatMap((key) => replacedBy(this.#census.get(key)))])
  }
}

const replacedBy = (entry: Entry | undefined): readonly BindingKey[] =>
  entry?.binding.replaces === undefined ? [] : [bindingKey(entry.binding.namespace, entry.binding.replaces)]

const nobody: ReadonlySet<BindingKey> = new Set()

const specOf = (object: unknown): unknown => objectOr(object)['spec']

function nameOf(object: unknown): { readonly namespace: string; readonly name: string } {
  const metadata = objectOr(objectOr(object)['metadata'])
  return { namespace: textOr(field(metadata, 'namespace'), ''), name: textOr(field(metadata, 'name'), '') }
}
