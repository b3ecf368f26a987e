/** Which bindings have a term in common: an index over as many kinds of terms as there are questions. */
export class Terms<Key> {
  readonly #members = new Map<string, Set<Key>>()

  add(key: Key, terms: readonly string[]): void {
    for (const term of terms) {
      const members = this.#members.get(term)
      if (members) members.add(key)
      else this.#members.set(term, new Set([key]))
    }
  }

  remove(key: Key, terms: readonly string[]): void {
    for (const term of terms) {
      const members = this.#members.get(term)
      if (members?.delete(key) && members.size === 0) this.#members.delete(term)
    }
  }

  of(term: string): ReadonlySet<Key> {
    return this.#members.get(term) ?? none
  }
}

const none: ReadonlySet<never> = new Set<never>()
