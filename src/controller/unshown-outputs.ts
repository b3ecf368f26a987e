import type { BindingKey } from '../core/binding.ts'
import { collisionKeyIn, type Output } from '../core/clusterspiffeid.ts'
import { Terms } from '../core/terms.ts'

/**
 * The last output of each binding that this process wrote, until a run of the binding finds that the watch has shown it. One
 * term may follow another sooner than the watch shows what was written last, so all terms of a process share it.
 */
export class UnshownOutputs {
  readonly #outputs = new Map<BindingKey, Output>()
  /** Bindings by collision key: after a start every binding may be in here, too many to search one by one. */
  readonly #owners = new Terms<BindingKey>()

  of(key: BindingKey): Output | undefined {
    return this.#outputs.get(key)
  }

  keys(): Iterable<BindingKey> {
    return this.#outputs.keys()
  }

  note(key: BindingKey, output: Output): void {
    this.forget(key)
    this.#outputs.set(key, output)
    const collisionKey = collisionKeyIn(output)
    if (collisionKey !== undefined) this.#owners.add(key, collisionKey)
  }

  forget(key: BindingKey): void {
    const output = this.#outputs.get(key)
    if (!output) return
    this.#outputs.delete(key)
    const collisionKey = collisionKeyIn(output)
    if (collisionKey !== undefined) this.#owners.remove(key, collisionKey)
  }

  /** The unshown outputs that serve the workloads of a collision key for bindings other than this one. */
  serving(collisionKey: string, key: BindingKey): readonly Output[] {
    return [...this.#owners.of(collisionKey)]
      .filter((owner) => owner !== key)
      .flatMap((owner) => this.#outputs.get(owner) ?? [])
  }
}
