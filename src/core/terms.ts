/** An index from terms to members. Most terms have one member, which is stored without a Set, to save memory. */
export class Terms<Key extends string> {
  readonly #members = new Map<string, Key | Set<Key>>()

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  add(key: Key, term: string): void {
    const members = this.#members.get(term)
    if (members === undefined) this.#members.set(term, key)
    else if (typeof members === 'object') members.add(key)
    else if (members !== key) this.#members.set(term, new Set([members, key]))
  }

  remove(key: Key, term: string): void {
    const members = this.#members.get(term)
    if (members === key) this.#members.delete(term)
    else if (typeof members === 'object' && members.delete(key) && members.size === 0)
      this.#members.delete(term)
  }

  /** The members of a term, each once. */
  of(term: string): Iterable<Key> {
    const members = this.#members.get(term)
    if (members === undefined) return none
    return typeof members === 'object' ? members : [members]
  }

  count(term: string): number {
    const members = this.#members.get(term)
    return members === undefined ? 0 : typeof members === 'object' ? members.size : 1
  }
}

const none: readonly never[] = []
