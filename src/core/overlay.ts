import { bindingKey, type Binding, type BindingKey } from './binding.ts'
import { Census } from './census.ts'
import { noStake, stakeOf, type Stake } from './evaluate.ts'
import type { Neighbours, World } from './facts.ts'
import type { Settings } from './identity.ts'
import type { Objective, Pool } from './references.ts'
import type { Resource } from './resources.ts'

/** A world with two more indexes: the bindings that refer to an object, and the stake of each binding. */
export type IndexedWorld = World & {
  /** The bindings that refer to a pool or an objective by this name, in whatever group. */
  usersOf(resource: Resource, namespace: string, name: string): readonly Binding[]
  /** The stake of a binding; `noStake` for one that does not exist. */
  stakeOf(binding: Binding): Stake
}

/**
 * A world in which some objects of one namespace differ from the world below it, because they were read a moment ago
 * or because a request would change them. Everything that was not set here is taken from below, so an overlay costs
 * only as much as differs.
 */
export class Overlay implements IndexedWorld {
  readonly settings: Settings
  readonly neighbours: Neighbours
  readonly #below: IndexedWorld
  readonly #namespace: string
  readonly #served = new Set<Resource>()
  readonly #pools: ObjectsByKind<Pool> = new Map()
  readonly #objectives: ObjectsByKind<Objective> = new Map()
  readonly #census = new Census({ lasts: false })
  /** The names of the bindings that were set or removed here. */
  readonly #set = new Set<string>()
  /** The names of all existing bindings of the namespace, if known. */
  #present: ReadonlySet<string> | undefined
  #hasOnlySetNeighbours = false

  constructor(below: IndexedWorld, namespace: string) {
    this.#below = below
    this.#namespace = namespace
    this.settings = below.settings
    const { neighbours } = below
    this.neighbours = {
      sharingSpiffeId: (spiffeId) =>
        this.#near(neighbours.sharingSpiffeId(spiffeId), this.#census.sharingSpiffeId(spiffeId)),
      onPool: (...at) => this.#near(neighbours.onPool(...at), this.#census.onPool(...at)),
      overlapping: (...at) => this.#near(neighbours.overlapping(...at), this.#census.overlapping(...at)),
    }
  }

  /** Notes that a kind is served. */
  setServed(resource: Resource): void {
    this.#served.add(resource)
  }

  /** Undefined for one that is not there. Bindings that refer to it are to be set again. */
  setPool(resource: Resource, name: string, pool: Pool | undefined): void {
    setAt(this.#pools, resource, name, pool)
  }

  /** Undefined for one that is not there. Bindings that refer to it are to be set again. */
  setObjective(resource: Resource, name: string, objective: Objective | undefined): void {
    setAt(this.#objectives, resource, name, objective)
  }

  /** @param stake its stake by the pools and objectives that were set so far */
  setBinding(binding: Binding, stake = binding.deleting ? noStake : stakeOf(binding, this)): void {
    this.#set.add(binding.name)
    this.#census.place(this.#keyOf(binding.name), { binding, stake })
  }

  stakeOf(binding: Binding): Stake {
    if (this.#set.has(binding.name)) return this.#census.get(this.#keyOf(binding.name))?.stake ?? noStake
    return this.#isBelow(binding.name) ? this.#below.stakeOf(binding) : noStake
  }

  removeBinding(name: string): void {
    this.#set.add(name)
    this.#census.remove(this.#keyOf(name))
  }

  /** From now on only these bindings count as existing, and those that are set later. */
  setPresent(names: ReadonlySet<string>): void {
    this.#present = names
    for (const name of this.#set) if (!names.has(name)) this.removeBinding(name)
  }

  /** From now on only bindings that were set here are found as neighbours. */
  onlySetNeighbours(): void {
    this.#hasOnlySetNeighbours = true
  }

  /** Whether a binding was set here, or removed. */
  speaksOf(name: string): boolean {
    return this.#set.has(name)
  }

  /** Whether a pool or an objective was set or removed here. */
  speaksOfTarget(resource: Resource, name: string): boolean {
    return this.#pools.get(resource)?.has(name) || this.#objectives.get(resource)?.has(name) || false
  }

  isServed(resource: Resource): boolean {
    return this.#served.has(resource) || this.#below.isServed(resource)
  }

  otherVersions(resource: Resource): readonly string[] | undefined {
    return this.#served.has(resource) ? undefined : this.#below.otherVersions(resource)
  }

  pool(resource: Resource, namespace: string, name: string): Pool | undefined {
    const own = namespace === this.#namespace ? this.#pools.get(resource) : undefined
    return own?.has(name) ? own.get(name) : this.#below.pool(resource, namespace, name)
  }

  objective(resource: Resource, namespace: string, name: string): Objective | undefined {
    const own = namespace === this.#namespace ? this.#objectives.get(resource) : undefined
    return own?.has(name) ? own.get(name) : this.#below.objective(resource, namespace, name)
  }

  binding(key: BindingKey): Binding | undefined {
    const own = this.#census.get(key)?.binding
    if (own) return own
    const below = this.#below.binding(key)
    return below && this.#isBelow(below.name, below.namespace) ? below : undefined
  }

  holders(collisionKey: string): readonly Binding[] {
    return this.#merged(this.#below.holders(collisionKey), this.#census.holders(collisionKey))
  }

  possibleHolders(collisionKey: string): readonly Binding[] {
    return this.#merged(this.#below.possibleHolders(collisionKey), this.#census.possibleHolders(collisionKey))
  }

  sharingContainer(containerRef: string): readonly Binding[] {
    return this.#merged(
      this.#below.sharingContainer(containerRef),
      this.#census.sharingContainer(containerRef),
    )
  }

  replacing(key: BindingKey): readonly Binding[] {
    return this.#merged(this.#below.replacing(key), this.#census.all(this.#census.replacing(key)))
  }

  usersOf(resource: Resource, namespace: string, name: string): readonly Binding[] {
    const below = this.#below.usersOf(resource, namespace, name)
    if (namespace !== this.#namespace) return below
    return this.#merged(below, this.#census.all(this.#census.using(resource, namespace, name)))
  }

  #merged(below: readonly Binding[], own: readonly Binding[]): readonly Binding[] {
    const isAllBelow = this.#set.size === 0 && this.#present === undefined
    const others = isAllBelow ? below : below.filter(({ name }) => this.#isBelow(name))
    return own.length === 0 ? others : [...others, ...own]
  }

  *#near(below: Iterable<string>, own: Iterable<string>): Iterable<string> {
    if (!this.#hasOnlySetNeighbours) for (const name of below) if (this.#isBelow(name)) yield name
    yield* own
  }

  /** Whether a binding is taken from the world below. */
  #isBelow(name: string, namespace = this.#namespace): boolean {
    if (namespace !== this.#namespace) return true
    return !this.#set.has(name) && (this.#present?.has(name) ?? true)
  }

  #keyOf(name: string): BindingKey {
    return bindingKey(this.#namespace, name)
  }
}

/** Objects by kind and name; undefined for one that was removed. */
type ObjectsByKind<T> = Map<Resource, Map<string, T | undefined>>

function setAt<T>(kinds: ObjectsByKind<T>, resource: Resource, name: string, object: T | undefined): void {
  const objects = kinds.get(resource) ?? new Map<string, T | undefined>()
  kinds.set(resource, objects.set(name, object))
}
