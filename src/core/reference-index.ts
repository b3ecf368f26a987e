import { bindingKey, type Binding, type BindingKey } from './binding.ts'
import { Terms } from './terms.ts'

/** Finds bindings by the pools and objectives that they refer to, and by the binding that they replace. */
export class ReferenceIndex {
  readonly #pools = new Terms<BindingKey>()
  readonly #objectives = new Terms<BindingKey>()
  readonly #replaced = new Terms<BindingKey>()

  add(key: BindingKey, binding: Binding): void {
    for (const [terms, term] of this.#filed(binding)) terms.add(key, term)
  }

  /** Takes the binding that was given to `add`. */
  remove(key: BindingKey, binding: Binding): void {
    for (const [terms, term] of this.#filed(binding)) terms.remove(key, term)
  }

  /** The indexes that a binding stands in, each with its term there. */
  #filed({ namespace, spec, replaces }: Binding): readonly (readonly [Terms<BindingKey>, string])[] {
    const pool = spec.poolRef.name
    const objective = spec.objectiveRef?.name
    const filed: [Terms<BindingKey>, string][] = []
    if (typeof pool === 'string') filed.push([this.#pools, bindingKey(namespace, pool)])
    if (typeof objective === 'string') filed.push([this.#objectives, bindingKey(namespace, objective)])
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

  /** Bindings that are annotated to replace the given one. */
  replacing(key: BindingKey): Iterable<BindingKey> {
    return this.#replaced.of(key)
  }
}
