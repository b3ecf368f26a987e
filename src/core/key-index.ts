import type { BindingKey } from './binding.ts'
import type { Stake } from './evaluate.ts'
import { Terms } from './terms.ts'

/** Finds bindings by the collision keys that they hold or could come to hold, and by the containers that they ask for. */
export class KeyIndex {
  readonly #collisionKeys = new Terms<BindingKey>()
  readonly #latentKeys = new Terms<BindingKey>()
  readonly #containerRefs = new Terms<BindingKey>()

  add(key: BindingKey, { identity, latent, containerRef }: Stake): void {
    if (identity?.collisionKey !== undefined) this.#collisionKeys.add(key, identity.collisionKey)
    for (const collisionKey of latent) this.#latentKeys.add(key, collisionKey)
    if (containerRef !== undefined) this.#containerRefs.add(key, containerRef)
  }

  /** Takes the stake that was given to `add`. */
  remove(key: BindingKey, { identity, latent, containerRef }: Stake): void {
    if (identity?.collisionKey !== undefined) this.#collisionKeys.remove(key, identity.collisionKey)
    for (const collisionKey of latent) this.#latentKeys.remove(key, collisionKey)
    if (containerRef !== undefined) this.#containerRefs.remove(key, containerRef)
  }

  holding(collisionKey: string): Iterable<BindingKey> {
    return this.#collisionKeys.of(collisionKey)
  }

  /** Bindings that would hold the key if another object that they refer to did not exist. */
  comingTo(collisionKey: string): Iterable<BindingKey> {
    return this.#latentKeys.of(collisionKey)
  }

  /** Bindings that ask for the same container by the same references. */
  withContainerRef(containerRef: string): Iterable<BindingKey> {
    return this.#containerRefs.of(containerRef)
  }
}
