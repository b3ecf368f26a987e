import { bindingKey, type Binding, type BindingKey } from './binding.ts'
import type { Stake } from './evaluate.ts'
import { Terms } from './terms.ts'

/** Finds bindings by what they refer to and by what they claim. */
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

  /** With the binding and the stake that it was added with. */
  remove(key: BindingKey, binding: Binding, stake: Stake): void {
    for (const [terms, term] of this.#filed(binding, stake)) terms.remove(key, term)
  }

  /** Under what a binding is found, and where. */
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

  /** Those that refer to a pool by this name, in whatever group. */
  usingPool(namespace: string, name: string): ReadonlySet<BindingKey> {
    return this.#pools.of(bindingKey(namespace, name))
  }

  usingObjective(namespace: string, name: string): ReadonlySet<BindingKey> {
    return this.#objectives.of(bindingKey(namespace, name))
  }

  holding(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#collisionKeys.of(collisionKey)
  }

  /** Those that would hold it if another object that they refer to were not there. */
  comingTo(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#latentKeys.of(collisionKey)
  }

  /** Those that ask for the same container by the same reference. */
  asking(reference: string): ReadonlySet<BindingKey> {
    return this.#references.of(reference)
  }

  /** Those that say that they replace a binding. */
  replacing(key: BindingKey): ReadonlySet<BindingKey> {
    return this.#replaced.of(key)
  }
}
