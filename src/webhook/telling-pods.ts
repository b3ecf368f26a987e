import type { IdentifiedBinding } from '../core/overlap.ts'
import { wantedBy } from '../core/workloads.ts'

/** Names of some 300 bytes with their keys. */
const rememberAtMost = 1_000

/**
 * Names of pods that told all there was to say of a binding. A review of a binding for the same workloads asks for that pod first, since
 * the API server looks up one pod at once, but goes through all pods of the namespace for a list. Only the name is
 * remembered: what the pod is like is read anew each time.
 */
export class TellingPods {
  readonly #names = new Map<string, string>()

  nameFor(one: IdentifiedBinding): string | undefined {
    return this.#names.get(keyOf(one))
  }

  /** @param name undefined to forget the pod */
  note(one: IdentifiedBinding, name: string | undefined): void {
    const key = keyOf(one)
    // A name that is noted again moves to the end, so that the one in front is the oldest.
    this.#names.delete(key)
    if (name === undefined) return
    for (const oldest of this.#names.keys().take(this.#names.size < rememberAtMost ? 0 : 1))
      this.#names.delete(oldest)
    this.#names.set(key, name)
  }
}

/** Bindings with the same key are for the same workloads. */
function keyOf({ binding, identity }: IdentifiedBinding): string {
  const { account, container } = wantedBy(binding, identity)
  return JSON.stringify([binding.namespace, identity.pods.pairs, account, container])
}
