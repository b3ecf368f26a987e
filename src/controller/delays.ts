type Entry<Key> = { readonly key: Key; readonly at: number }

/**
 * Keys and when each is due: a binary heap, earliest first. When a key gets an earlier entry, its later entry stays
 * in the heap; when that later entry comes up, it is dropped because it is no longer the one noted for its key.
 */
export class Delays<Key> {
  readonly #heap: Entry<Key>[] = []
  readonly #current = new Map<Key, Entry<Key>>()

  /** If a key is set more than once, the earliest time counts. */
  set(key: Key, at: number): void {
    const current = this.#current.get(key)
    if (current && current.at <= at) return
    const entry = { key, at }
    this.#current.set(key, entry)
    this.#rise(entry)
  }

  earliest(): number | undefined {
    return this.#top()?.at
  }

  /** Removes and returns the earliest key that is due by `now`. */
  take(now: number): Key | undefined {
    const entry = this.#top()
    if (!entry || entry.at > now) return undefined
    this.#drop()
    this.#current.delete(entry.key)
    return entry.key
  }

  clear(): void {
    this.#heap.length = 0
    this.#current.clear()
  }

  #top(): Entry<Key> | undefined {
    for (;;) {
      const entry = this.#heap[0]
      if (!entry || this.#current.get(entry.key) === entry) return entry
      this.#drop()
    }
  }

  #rise(entry: Entry<Key>): void {
    let index = this.#heap.length
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = this.#heap[above]
      if (!parent || parent.at <= entry.at) break
      this.#heap[index] = parent
      index = above
    }
    this.#heap[index] = entry
  }

  /** Removes the top entry: the last entry of the heap moves to the top and sinks to its place. */
  #drop(): void {
    const last = this.#heap.pop()
    if (!last || this.#heap.length === 0) return
    let index = 0
    for (;;) {
      const below = this.#earlierChild(index)
      const child = this.#heap[below]
      if (!child || child.at >= last.at) break
      this.#heap[index] = child
      index = below
    }
    this.#heap[index] = last
  }

  #earlierChild(index: number): number {
    const left = this.#heap[2 * index + 1]
    const right = this.#heap[2 * index + 2]
    return left && right && right.at < left.at ? 2 * index + 2 : 2 * index + 1
  }
}
