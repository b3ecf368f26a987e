import type { Binding, BindingKey, Mode } from './binding.ts'
import type { Stake } from './evaluate.ts'
import type { Identity } from './identity.ts'
import { KeyIndex } from './key-index.ts'
import { NeighbourIndex } from './neighbour-index.ts'
import { doOverlap } from './overlap.ts'
import { ReferenceIndex } from './reference-index.ts'
import type { Resource } from './resources.ts'

/** A binding and its stake. */
export type Entry = { readonly binding: Binding; readonly stake: Stake }

/** The known bindings, with an index for each question that an evaluation or a change asks about them. */
export class Census {
  readonly #entries = new Map<BindingKey, Entry>()
  readonly #keys = new KeyIndex()
  #referenceIndex: ReferenceIndex | undefined
  #nearIndex: NeighbourIndex | undefined
  readonly #sizes = new Map<string, number>()

  /**
   * @param lasts whether bindings are indexed by their references and as neighbours when they come. To index a hundred thousand at
   * the first question would keep the event loop for 130 ms. A census that is dropped after a judgement makes these two indexes when
   * they are first asked: judging a change of a pool never asks them, and would index thousands of bindings for nothing.
   */
  constructor({ lasts }: { readonly lasts: boolean }) {
    if (!lasts) return
    this.#referenceIndex = new ReferenceIndex()
    this.#nearIndex = new NeighbourIndex()
  }

  get(key: BindingKey): Entry | undefined {
    return this.#entries.get(key)
  }

  get size(): number {
    return this.#entries.size
  }

  keys(): Iterable<BindingKey> {
    return this.#entries.keys()
  }

  entries(): IteratorObject<Entry> {
    return this.#entries.values()
  }

  all(keys: Iterable<BindingKey>): readonly Binding[] {
    const bindings: Binding[] = []
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (entry) bindings.push(entry.binding)
    }
    return bindings
  }

  place(key: BindingKey, entry: Entry): void {
    const before = this.#entries.get(key)
    if (before) this.#unfile(key, before)
    else this.#count(entry.binding.namespace, 1)
    this.#keys.add(key, entry.stake)
    this.#referenceIndex?.add(key, entry.binding)
    if (this.#nearIndex) fileNear(this.#nearIndex, key, entry)
    this.#entries.set(key, entry)
  }

  /** Replaces a binding by a version that means the same. */
  refresh(key: BindingKey, binding: Binding): void {
    const before = this.#entries.get(key)
    if (before) this.#entries.set(key, { binding, stake: before.stake })
  }

  /** Returns the removed entry. */
  remove(key: BindingKey): Entry | undefined {
    const gone = this.#entries.get(key)
    if (!gone) return undefined
    this.#unfile(key, gone)
    this.#count(gone.binding.namespace, -1)
    this.#entries.delete(key)
    return gone
  }

  /** How many bindings a namespace has. */
  sizeOf(namespace: string): number {
    return this.#sizes.get(namespace) ?? 0
  }

  holders(collisionKey: string): readonly Binding[] {
    return this.all(this.#keys.holding(collisionKey))
  }

  possibleHolders(collisionKey: string): readonly Binding[] {
    const coming = this.all(this.#keys.comingTo(collisionKey))
    const holders = this.holders(collisionKey)
    // Nobody is in both: latent keys are those beside the one that a binding holds.
    return coming.length === 0 ? holders : [...holders, ...coming]
  }

  sharingContainer(containerRef: string): readonly Binding[] {
    return this.all(this.#keys.withContainerRef(containerRef))
  }

  /** The bindings that hold a collision key. */
  holding(collisionKey: string): Iterable<BindingKey> {
    return this.#keys.holding(collisionKey)
  }

  replacing(key: BindingKey): Iterable<BindingKey> {
    return this.#references.replacing(key)
  }

  wanting(outputName: string): Iterable<BindingKey> {
    return this.#near.wanting(outputName)
  }

  /** The bindings that refer to a pool or an objective of this name, in any group. */
  using({ kind }: Resource, namespace: string, name: string): Iterable<BindingKey> {
    return kind === 'InferencePool'
      ? this.#references.usingPool(namespace, name)
      : this.#references.usingObjective(namespace, name)
  }

  sharingSpiffeId(spiffeId: string): Iterable<string> {
    return namesOf(this.#near.giving(spiffeId))
  }

  onPool(binding: Binding, poolGroup: string, mode: Mode): Iterable<string> {
    return namesOf(this.#near.beside(binding, poolGroup, mode))
  }

  overlapping(binding: Binding, identity: Identity): Iterable<string> {
    return Iterator.from(this.#near.near(binding, identity.pods)).flatMap((key) => {
      const entry = this.#entries.get(key)
      const its = entry?.stake.identity
      const isNear = its && doOverlap({ binding, identity }, { binding: entry.binding, identity: its })
      return isNear ? [entry.binding.name] : []
    })
  }

  get #references(): ReferenceIndex {
    if (!this.#referenceIndex) {
      this.#referenceIndex = new ReferenceIndex()
      for (const [key, { binding }] of this.#entries) this.#referenceIndex.add(key, binding)
    }
    return this.#referenceIndex
  }

  get #near(): NeighbourIndex {
    if (!this.#nearIndex) {
      this.#nearIndex = new NeighbourIndex()
      for (const [key, entry] of this.#entries) fileNear(this.#nearIndex, key, entry)
    }
    return this.#nearIndex
  }

  #unfile(key: BindingKey, { binding, stake }: Entry): void {
    this.#keys.remove(key, stake)
    this.#referenceIndex?.remove(key, binding)
    if (stake.identity) this.#nearIndex?.remove(key, binding, stake.identity)
  }

  #count(namespace: string, more: number): void {
    const size = this.sizeOf(namespace) + more
    if (size === 0) this.#sizes.delete(namespace)
    else this.#sizes.set(namespace, size)
  }
}

function fileNear(index: NeighbourIndex, key: BindingKey, { binding, stake }: Entry): void {
  if (stake.identity) index.add(key, binding, stake.identity)
}

/** The names of bindings that are all of one namespace; bindings of two namespaces never share a term. */
const namesOf = (keys: Iterable<BindingKey>): Iterable<string> =>
  Iterator.from(keys).map((key) => key.slice(key.indexOf('/') + 1))
