import type { Binding, BindingKey, Mode } from './binding.ts'
import { BindingIndex } from './binding-index.ts'
import type { Stake } from './evaluate.ts'
import type { Identity } from './identity.ts'
import { doOverlap } from './overlap.ts'
import type { Resource } from './resources.ts'

/** A binding, and what it has among the others. */
export type Entry = { readonly binding: Binding; readonly stake: Stake }

/** Bindings, found by whatever an evaluation or a change asks about them. */
export class Census {
  readonly #entries = new Map<BindingKey, Entry>()
  readonly #index = new BindingIndex()

  get(key: BindingKey): Entry | undefined {
    return this.#entries.get(key)
  }

  keys(): Iterable<BindingKey> {
    return this.#entries.keys()
  }

  entries(): IteratorObject<Entry> {
    return this.#entries.values()
  }

  all(keys: ReadonlySet<BindingKey>): readonly Binding[] {
    return [...this.#bindings(keys)]
  }

  place(key: BindingKey, entry: Entry): void {
    const before = this.#entries.get(key)
    if (before) this.#index.remove(key, before.binding, before.stake)
    this.#index.add(key, entry.binding, entry.stake)
    this.#entries.set(key, entry)
  }

  /** A version of a binding that asks for the same as the one before. */
  refresh(key: BindingKey, binding: Binding): void {
    const before = this.#entries.get(key)
    if (before) this.#entries.set(key, { binding, stake: before.stake })
  }

  /** Returns what was there. */
  remove(key: BindingKey): Entry | undefined {
    const gone = this.#entries.get(key)
    if (gone) this.#index.remove(key, gone.binding, gone.stake)
    this.#entries.delete(key)
    return gone
  }

  holders(collisionKey: string): Iterable<Binding> {
    return this.#bindings(this.#index.holding(collisionKey))
  }

  claimants(collisionKey: string): Iterable<Binding> {
    const coming = this.#index.comingTo(collisionKey)
    const holding = this.#index.holding(collisionKey)
    return this.#bindings(coming.size === 0 ? holding : holding.union(coming))
  }

  sharing(reference: string): Iterable<Binding> {
    return this.#bindings(this.#index.asking(reference))
  }

  /** The keys of those that hold a collision key. */
  holding(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#index.holding(collisionKey)
  }

  replacing(key: BindingKey): ReadonlySet<BindingKey> {
    return this.#index.replacing(key)
  }

  wanting(outputName: string): ReadonlySet<BindingKey> {
    return this.#index.wanting(outputName)
  }

  /** Those that refer to a pool or an objective by this name, in whatever group. */
  using({ kind }: Resource, namespace: string, name: string): ReadonlySet<BindingKey> {
    return kind === 'InferencePool'
      ? this.#index.usingPool(namespace, name)
      : this.#index.usingObjective(namespace, name)
  }

  sharingSpiffeId(spiffeId: string): Iterable<string> {
    return namesOf(this.#index.giving(spiffeId))
  }

  onPool(binding: Binding, poolGroup: string, mode: Mode): Iterable<string> {
    return namesOf(this.#index.beside(binding, poolGroup, mode))
  }

  overlapping(binding: Binding, identity: Identity): Iterable<string> {
    return Iterator.from(this.#index.near(binding, identity.pods)).flatMap((key) => {
      const entry = this.#entries.get(key)
      const its = entry?.stake.identity
      const isNear = its && doOverlap({ binding, identity }, { binding: entry.binding, identity: its })
      return isNear ? [entry.binding.name] : []
    })
  }

  #bindings(keys: ReadonlySet<BindingKey>): Iterable<Binding> {
    return keys
      .values()
      .map((key) => this.#entries.get(key)?.binding)
      .filter((binding) => binding !== undefined)
  }
}

/** The names of bindings, which are of one namespace: nothing is shared between two. */
const namesOf = (keys: ReadonlySet<BindingKey>): Iterable<string> =>
  keys.size === 0 ? [] : keys.values().map((key) => key.slice(key.indexOf('/') + 1))
