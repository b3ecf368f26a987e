import type { Binding, BindingKey } from '../core/binding.ts'
import { outputUidIn } from '../core/conditions.ts'

/**
 * The ClusterSPIFFEIDs that this process deleted, by binding. A status may name one for longer than it is there: it is written afterwards,
 * and not at all if the binding was edited meanwhile.
 */
export class RemovedOutputs {
  readonly #uids = new Map<BindingKey, Set<string>>()

  /** To be called before the deletion is sent, because one whose answer is lost may have taken effect. */
  note(key: BindingKey, uid: string): void {
    const uids = this.#uids.get(key) ?? new Set()
    this.#uids.set(key, uids.add(uid))
  }

  /** Whether the output that the status names is one of them. */
  isNamedBy(key: BindingKey, { status }: Pick<Binding, 'status'>): boolean {
    return this.#uids.get(key)?.has(String(outputUidIn(status))) ?? false
  }

  /** To be called once the binding is gone. */
  forget(key: BindingKey): void {
    this.#uids.delete(key)
  }
}
