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
    return [
      ...(typeof pool === 'string' ? [[this.#pools, bindingKey(namespace, pool)] as const] : []),
      ...(typeof objective === 'string'
        ? [[this.#objectives, bindingKey(namespace, objective)] as const]
        : []),
      ...(identity?.collisionKey === undefined
        ? []
        : [[this.#collisionKeys, identity.collisionKey] as const]),
      ...latent.map((collisionKey) => [this.#latentKeys, collisionKey] as const),
      ...(reference === undefined ? [] : [[this.#references, reference] as const]),
      ...(replaces === undefined ? [] : [[this.#replaced, bindingKey(namespace, replaces)] as const]),
    ]
  }

  /** Bindings that refer to a pool of this name, in any group. */
  usingPool(namespace: string, name: string): ReadonlySet<BindingKey> {
    return this.#pools.of(bindingKey(namespace, name))
  }

  usingObjective(namespace: string, name: string): ReadonlySet<BindingKey> {
    return this.#objectives.of(bindingKey(namespace, name))
  }

  holding(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#collisionKeys.of(collisionKey)
  }

  /** Bindings that would hold the key if another object that they refer to did not exist. */
  comingTo(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#latentKeys.of(collisionKey)
  }

  /** Bindings that ask for the same container by the same reference. */
  asking(reference: string): ReadonlySet<BindingKey> {
    return this.#references.of(reference)
  }

  /** Bindings that are annotated to replace the given one. */
  replacing(key: BindingKey): ReadonlySet<BindingKey> {
    return this.#replaced.of(key)
  }
}
