import { bindingKey, type Binding, type BindingKey } from './binding.ts'
import type { Stake } from './evaluate.ts'
import { Terms } from './terms.ts'

/** Finds bindings by the objects that they refer to and by the collision keys that they claim. */
export class BindingIndex {
  readonly #pools = new Terms<BindingKey>()
  readonly #objectives = new Terms<BindingKey>()
  readonly #collisionKeys = new Terms<BindingKey>()
  readonly #latentKeys = new Terms<BindingKey>()
  readonly #references = new Terms<BindingKey>()
  readonly #replaced = new Terms<BindingKey>()

  add(key: BindingKey, binding: Binding, stake: Stake): void {
    for (const [terms, term] of this.#filed(binding, stake)) terms.add(key, term)
  }

  /** Takes the binding and the stake that were given to `add`. */
  remove(key: BindingKey, binding: Binding, stake: Stake): void {
    for (const [terms, term] of this.#filed(binding, stake)) terms.remove(key, term)
  }

  /** The indexes that a binding stands in, each with its term there. */
  #filed(
    binding: Binding,
    { identity, latent, reference }: Stake,
  ): readonly (readonly [Terms<BindingKey>, string])[] {
    const { namespace, spec, replaces } = binding
    const pool = spec.poolRef.name
    const objective = spec.objectiveRef?.name
    const filed: [Terms<BindingKey>, string][] = []
    if (typeof pool === 'string') filed.push([this.#pools, bindingKey(namespace, pool)])
    if (typeof objective === 'string') filed.push([this.#objectives, bindingKey(namespace, objective)])
    if (identity?.collisionKey !== undefined) filed.push([this.#collisionKeys, identity.collisionKey])
    for (const collisionKey of latent) filed.push([this.#latentKeys, collisionKey])
    if (reference !== undefined) filed.push([this.#references, reference])
    if (replaces !== undefined) filed.push([this.#replaced, bindingKey(namespace, replaces)])
    return filed
  }

  /** Bindings that refer to a pool of this name, in any group. */
  usingPool(namespace: string, name: string): Iterable<BindingKey> {
    return this.#pools.of(bindingKey(namespace, name))
  }

  usingObjective(namespace: string, name: string): Iterable<BindingKey> {
    return this.#objectives.of(bindingKey(namespace, name))
  }

  holding(collisionKey: string): Iterable<BindingKey> {
    return this.#collisionKeys.of(collisionKey)
  }

  /** Bindings that would hold the key if another object that they refer to did not exist. */
  comingTo(collisionKey: string): Iterable<BindingKey> {
    return this.#latentKeys.of(collisionKey)
  }

  /** Bindings that ask for the same container by the same reference. */
  asking(reference: string): Iterable<BindingKey> {
    return this.#references.of(reference)
  }

  /** Bindings that are annotated to replace the given one. */
  replacing(key: BindingKey): Iterable<BindingKey> {
    return this.#replaced.of(key)
  }
}
