import type { Binding, BindingKey } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import { outputUidIn } from '../core/conditions.ts'
import type { JournalEntry } from './journal.ts'

/**
 * The ClusterSPIFFEIDs that this process deleted, by binding. A status may name one for longer than it is there: it is written afterwards,
 * and not at all if the binding was edited meanwhile.
 */
export class RemovedOutputs {
  readonly #uids = new Map<BindingKey, Set<string>>()
  /** Deletions whose answer was lost, by binding and by the uid of what may be deleted. */
  readonly #unanswered = new Map<BindingKey, Map<string, JournalEntry>>()

  /** To be called before the deletion is sent, because one whose answer is lost may have taken effect. */
  note(key: BindingKey, uid: string): void {
    const uids = this.#uids.get(key) ?? new Set()
    this.#uids.set(key, uids.add(uid))
  }

  has(key: BindingKey, uid: string): boolean {
    return this.#uids.get(key)?.has(uid) ?? false
  }

  /** Whether the output that the status names is one of them. */
  isNamedBy(key: BindingKey, { status }: Pick<Binding, 'status'>): boolean {
    return this.has(key, String(outputUidIn(status)))
  }

  /** Keeps what is to be told of a deletion once it is known that it took effect. */
  awaitAnswer(key: BindingKey, uid: string, entry: JournalEntry): void {
    const entries = this.#unanswered.get(key) ?? new Map<string, JournalEntry>()
    this.#unanswered.set(key, entries.set(uid, entry))
  }

  /** Nothing is to be told of this deletion any more. */
  answered(key: BindingKey, uid: string): void {
    const entries = this.#unanswered.get(key)
    if (entries?.delete(uid) && entries.size === 0) this.#unanswered.delete(key)
  }

  /**
   * Takes what is to be told of the deletions that took effect though their answers were lost.
   *
   * @param left the outputs that the binding has
   */
  takeUnanswered(key: BindingKey, left: readonly Pick<Output, 'uid'>[]): readonly JournalEntry[] {
    const entries = this.#unanswered.get(key)
    if (!entries) return []
    const told = [...entries].filter(([uid]) => !left.some((one) => one.uid === uid))
    for (const [uid] of told) this.answered(key, uid)
    return told.map(([, entry]) => entry)
  }

  /** To be called once an output is found to be as it should be: its deletion has not taken effect. */
  stays(key: BindingKey, uid: string): void {
    this.#uids.get(key)?.delete(uid)
    this.answered(key, uid)
  }

  /** To be called once the binding is gone. */
  forget(key: BindingKey): void {
    this.#uids.delete(key)
  }
}
