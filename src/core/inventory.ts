import { Backlog } from './backlog.ts'
import { bindingKey, decodeBinding, isSameWish, type Binding, type BindingKey } from './binding.ts'
import { Catalogue } from './catalogue.ts'
import { Census } from './census.ts'
import { nameOf, specOf, type Change } from './change.ts'
import { decodeOutput, isSameButForStats, type Output } from './clusterspiffeid.ts'
import { concernedBy, replacedBy, holdersOf, withReplaced } from './concerned.ts'
import { noStake, stakeOf, type Stake } from './evaluate.ts'
import type { Neighbours } from './facts.ts'
import type { Fallback } from './fallbacks.ts'
import type { Settings } from './identity.ts'
import { Interning } from './interning.ts'
import { sameJson, type JsonObject } from './json.ts'
import { OutputIndex } from './output-index.ts'
import type { IndexedWorld } from './overlay.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from './references.ts'
import { bindingResource, clusterSpiffeIdResource, type Resource } from './resources.ts'

/**
 * Everything that this process knows about the cluster. Every question of an evaluation or a change has an index, so
 * that neither costs more among a hundred thousand bindings than among a hundred.
 *
 * The first half are the questions, most of them one line that hands on to the index which answers. The second half,
 * `workOutNext` and `apply`, takes changes in.
 */
export class Inventory implements IndexedWorld {
  readonly settings: Settings
  readonly neighbours: Neighbours = {
    sharingSpiffeId: (spiffeId) => this.#census.sharingSpiffeId(spiffeId),
    onPool: (binding, poolGroup, mode) => this.#census.onPool(binding, poolGroup, mode),
    overlapping: (binding, identity) => this.#census.overlapping(binding, identity),
  }
  /**
   * The served kinds, each with its schema. Keys are the Resource objects of resources.ts, of which there is one for
   * each kind.
   */
  readonly #served = new Map<Resource, string | undefined>()
  /** The unread kinds, each with the versions that are served instead. */
  readonly #unread = new Map<Resource, readonly string[]>()
  readonly #census = new Census({ lasts: true })
  readonly #pools = new Catalogue<Pool>()
  readonly #objectives = new Catalogue<Objective>()
  readonly #outputs = new OutputIndex()
  readonly #backlog = new Backlog()
  readonly #revisions = new Map<string, number>()
  #changes = 0
  /** `#changes` when a namespace last lost its last binding: the revision of every namespace that has none. */
  #emptied = 0
  readonly #atOnce: number
  readonly #interning = new Interning()

  /** @param atOnce a change that concerns more bindings than this is left for `workOutNext` */
  constructor(settings: Settings, { atOnce = Infinity }: { readonly atOnce?: number } = {}) {
    this.settings = settings
    this.#atOnce = atOnce
  }

  isServed(resource: Resource): boolean {
    return this.#served.has(resource)
  }

  otherVersions(resource: Resource): readonly string[] | undefined {
    return this.#unread.get(resource)
  }

  /** Identifies the schema that a kind is served with; undefined if that is not known. */
  schemaOf(resource: Resource): string | undefined {
    return this.#served.get(resource)
  }

  pool(resource: Resource, namespace: string, name: string): Pool | undefined {
    return this.#pools.get(resource, namespace, name)
  }

  objective(resource: Resource, namespace: string, name: string): Objective | undefined {
    return this.#objectives.get(resource, namespace, name)
  }

  holders(collisionKey: string): readonly Binding[] {
    return this.#census.holders(collisionKey)
  }

  possibleHolders(collisionKey: string): readonly Binding[] {
    return this.#census.possibleHolders(collisionKey)
  }

  sharingContainer(containerRef: string): readonly Binding[] {
    return this.#census.sharingContainer(containerRef)
  }

  binding(key: BindingKey): Binding | undefined {
    return this.#census.get(key)?.binding
  }

  stakeOf({ namespace, name }: Binding): Stake {
    return this.#census.get(bindingKey(namespace, name))?.stake ?? noStake
  }

  /** They can be gone through in slices, as `keys` can. */
  bindings(): IteratorObject<Binding> {
    return this.#census.entries().map(({ binding }) => binding)
  }

  /** How many bindings there are. */
  get size(): number {
    return this.#census.size
  }

  /** How many bindings a namespace has. */
  bindingsIn(namespace: string): number {
    return this.#census.sizeOf(namespace)
  }

  /**
   * The bindings whose output would have this name, in the order in which they were added if none has changed since.
   */
  wanting(outputName: string): readonly Binding[] {
    return this.#census.all(this.#census.wanting(outputName))
  }

  usersOf(resource: Resource, namespace: string, name: string): readonly Binding[] {
    return this.#census.all(this.#census.using(resource, namespace, name))
  }

  /** The bindings that are annotated to replace the given one. */
  replacing(key: BindingKey): readonly Binding[] {
    return this.#census.all(this.#census.replacing(key))
  }

  /**
   * The keys of all bindings, and after them those that outputs name although their binding is gone, perhaps more than once. They
   * can be gone through in slices: a key that comes or goes meanwhile may be among them or not.
   */
  *keys(): Generator<BindingKey, void> {
    yield* this.#census.keys()
    for (const owner of this.#outputs.owners()) if (!this.#census.get(owner)) yield owner
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

  /** All outputs of ours. They can be gone through in slices, as `keys` can. */
  outputs(): Iterable<Output> {
    return this.#outputs.owned()
  }

  /** Outputs that SPIRE Controller Manager has not processed. They can be gone through in slices, as `keys` can. */
  unprocessed(): IteratorObject<Output> {
    return this.#outputs.unprocessed()
  }

  /** Fallback ClusterSPIFFEIDs of others, which give way to ours. */
  fallbacks(): Iterable<Fallback> {
    return this.#outputs.fallbacks()
  }

  /**
   * The outputs of other bindings that serve the workloads of a collision key. Outputs that the former operator left for
   * a binding that is gone do not count: nothing will ever delete them.
   */
  outputsServing(collisionKey: string, key: BindingKey): readonly Output[] {
    return this.#outputs
      .serving(collisionKey)
      .filter(
        ({ owner, annotated }) =>
          owner !== undefined && owner !== key && (annotated || this.#census.get(owner) !== undefined),
      )
  }

  /**
   * Whether the stake of every binding of a namespace is worked out from the pools and objectives that are known. While it is
   * not, nothing may be decided there: two bindings with one key may look as if only one had it.
   */
  isWorkedOut(namespace: string): boolean {
    return !this.#backlog.isPending(namespace)
  }

  /**
   * Grows with each change of a namespace's bindings and of their stakes. A judgement that takes several turns of the event
   * loop is by one state of the namespace only if the revision is the same after it.
   */
  revisionOf(namespace: string): number {
    return this.#revisions.get(namespace) ?? this.#emptied
  }

  /** Whether `workOutNext` has nothing left to do. */
  get isAllWorkedOut(): boolean {
    return this.#backlog.newest === undefined
  }

  /**
   * Works out one of the bindings that were left. Once that is done with all of a change, returns those that the change
   * concerns, to be gone through at once or step by step; some of them come twice.
   */
  workOutNext(): Iterable<BindingKey> | undefined {
    const job = this.#backlog.newest
    if (!job) return undefined
    const key = job.next()
    if (key === undefined) {
      this.#backlog.end(job)
      return concernedBy(this.#census, job.keys, job.contested)
    }
    const binding = this.binding(key)
    if (binding) for (const collisionKey of this.#place(key, binding)) job.contested.add(collisionKey)
    return undefined
  }

  /**
   * Makes an object that will be taken in later share equal values with the objects that are known. A list is held
   * whole until it is complete, so thousands of objects would otherwise hold their own copies.
   */
  intern(object: JsonObject): void {
    this.#interning.object(object)
  }

  /** Forgets what objects shared a while ago. To be called now and then, at least twice for an object to be forgotten. */
  forgetOld(): void {
    this.#interning.forgetOld()
  }

  /** Takes a change in. Returns the bindings whose evaluation or output may differ by it, except those left to `workOutNext`. */
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

  #applyServed({
    resource,
    served,
    schema,
    otherVersions,
  }: Extract<Change, { kind: 'served' }>): ReadonlySet<BindingKey> {
    const isNews =
      served !== this.isServed(resource) || !sameJson(otherVersions, this.otherVersions(resource))
    if (served) this.#served.set(resource, schema)
    else this.#served.delete(resource)
    if (otherVersions) this.#unread.set(resource, otherVersions)
    else this.#unread.delete(resource)
    // No evaluation asks for a schema.
    if (!isNews) return nobody
    const all = [...this.#census.keys()]
    const leadsNowhere = this.#pools.isEmpty(resource) && this.#objectives.isEmpty(resource)
    // Bindings fail for another reason then, but no stake changes.
    if (leadsNowhere) return new Set(all)
    return this.#reindex(all, allReferences)
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
        if (pool) this.#interning.pool(pool)
        if (!this.#pools.set(resource, namespace, name, pool)) return nobody
        return this.#reindexUsers(resource, namespace, name)
      }
      case 'InferenceObjective': {
        const objective = object === undefined ? undefined : decodeObjective(specOf(object), namespace)
        if (objective) this.#interning.objective(objective)
        if (!this.#objectives.set(resource, namespace, name, objective)) return nobody
        return this.#reindexUsers(resource, namespace, name)
      }
      default:
        return nobody
    }
  }

  #applyBinding(key: BindingKey, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#census.get(key)
    if (object === undefined) return before ? this.#forget(key) : nobody
    const binding = decodeBinding(object)
    // Most changes of a binding are the operator's own writes of its status.
    if (before && before.binding.deleting === binding.deleting && isSameWish(before.binding, binding)) {
      this.#interning.binding(binding, before.stake.identity, this.#outputs.of(key))
      this.#census.refresh(key, { ...binding, spec: before.binding.spec })
      // A kind whose schema changed is listed anew, mostly with the same objects.
      const isSameObject =
        binding.resourceVersion !== '' &&
        before.binding.resourceVersion === binding.resourceVersion &&
        sameJson(before.binding.status, binding.status)
      return isSameObject ? nobody : withReplaced(this.#census, [key])
    }
    const contested = this.#place(key, binding)
    // By its annotation a binding replaces another one; a change of it changes which holders of its key collide.
    const renamed = before && before.binding.replaces !== binding.replaces ? this.#keysOf(key) : []
    const left = before ? [] : this.#outputs.leftKeys(key)
    const rivals = holdersOf(this.#census, [...contested, ...renamed, ...left])
    return withReplaced(this.#census, [key, ...rivals, ...replacedBy(before)])
  }

  #forget(key: BindingKey): ReadonlySet<BindingKey> {
    const gone = this.#census.remove(key)
    this.#renew(key)
    const held = [gone?.stake.identity?.collisionKey, ...this.#outputs.leftKeys(key)]
    return new Set([key, ...holdersOf(this.#census, held), ...replacedBy(gone)])
  }

  #applyOutput(name: string, object: unknown): ReadonlySet<BindingKey> {
    const before = this.#outputs.get(name)
    const after = object === undefined ? undefined : decodeOutput(object)
    if (after?.owner !== undefined)
      this.#interning.output(after, this.#census.get(after.owner)?.stake.identity)
    if (before && after?.owner !== undefined && isSameButForStats(before, after)) {
      this.#outputs.refresh(after)
      return nobody
    }
    const changed = this.#outputs.set(name, after)
    return withReplaced(this.#census, [
      ...this.#census.wanting(name),
      ...changed.flatMap(({ output }) => output.owner ?? output.copyOf ?? []),
      ...holdersOf(
        this.#census,
        changed.map(({ collisionKey }) => collisionKey),
      ),
    ])
  }

  /** No reference leads to an object of a kind that is not served. */
  #reindexUsers(resource: Resource, namespace: string, name: string): ReadonlySet<BindingKey> {
    if (!this.isServed(resource)) return nobody
    const users = [...this.#census.using(resource, namespace, name)]
    return this.#reindex(users, bindingKey(namespace, `${resource.kind}/${name}`), namespace)
  }

  /**
   * Works out anew which identities bindings have. Returns them and all bindings with which they share a collision
   * key now or shared one before.
   */
  #reindex(affected: readonly BindingKey[], change: string, namespace?: string): ReadonlySet<BindingKey> {
    if (affected.length > this.#atOnce) {
      this.#backlog.add(change, namespace, affected)
      return nobody
    }
    const contested = new Set<string>()
    for (const key of affected) {
      const binding = this.binding(key)
      for (const collisionKey of binding ? this.#place(key, binding) : []) contested.add(collisionKey)
    }
    return new Set(concernedBy(this.#census, affected, contested))
  }

  #renew(key: BindingKey): void {
    const namespace = key.slice(0, key.indexOf('/'))
    this.#changes += 1
    if (this.bindingsIn(namespace) > 0) this.#revisions.set(namespace, this.#changes)
    else if (this.#revisions.delete(namespace)) this.#emptied = this.#changes
  }

  /** Returns the collision keys before and after, if they differ. */
  #place(key: BindingKey, binding: Binding): readonly string[] {
    const before = this.#census.get(key)
    const stake: Stake = binding.deleting ? noStake : stakeOf(binding, this)
    // Most changes of what bindings refer to, and of what is served, leave nearly all of them as they are.
    if (before?.binding === binding && sameJson(before.stake, stake)) return []
    const outputs = this.#outputs.of(key)
    this.#interning.binding(binding, stake.identity, outputs)
    for (const output of outputs) this.#interning.output(output, stake.identity)
    this.#census.place(key, { binding, stake })
    this.#renew(key)
    const keys = [before?.stake.identity?.collisionKey, stake.identity?.collisionKey]
    return keys[0] === keys[1] ? [] : keys.filter((one) => one !== undefined)
  }

  #keysOf(key: BindingKey): readonly (string | undefined)[] {
    return [this.#census.get(key)?.stake.identity?.collisionKey]
  }
}

const nobody: ReadonlySet<BindingKey> = new Set()

/** The id in the backlog of a change of the served kinds, which may concern any reference. */
const allReferences = 'served'
