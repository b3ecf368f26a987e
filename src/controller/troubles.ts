/** Why a key does not succeed: in words, and by what it is told from another reason. */
export type Trouble = { readonly words: string; readonly cause: string }

type Lasting = {
  /** When the first run began that did not succeed. */
  readonly since: number
  /** The cause that was said last. */
  said: string | undefined
  /** How often the cause was another one than the last that was said. */
  changes: number
}

/** What has not succeeded for this long is said. */
const patienceMs = 10_000

/** Keeps count of keys that do not succeed, and decides when that has lasted long enough to be said. */
export class Troubles<Key extends string> {
  readonly #now: () => number
  readonly #lasting = new Map<Key, Lasting>()

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * Notes a run that did not succeed.
   *
   * @param began when the run began: a call that hangs is a part of the trouble
   * @returns `due` if it is to be said now: a text that no other occasion has; `withinMs` by when to try again, so that
   * it can be said in time
   */
  note(
    key: Key,
    began: number,
    { cause }: Trouble,
  ): { readonly due: string | undefined; readonly withinMs: number | undefined } {
    const lasting = this.#lasting.get(key) ?? { since: began, said: undefined, changes: 0 }
    this.#lasting.set(key, lasting)
    const left = lasting.since + patienceMs - this.#now()
    if (left > 0) return { due: undefined, withinMs: left }
    const due = lasting.said === cause ? undefined : `${lasting.since}/${lasting.changes}/${cause}`
    return { due, withinMs: undefined }
  }

  /** That it was said, to all who had to hear it. */
  said(key: Key, { cause }: Trouble): void {
    const lasting = this.#lasting.get(key)
    if (!lasting) return
    lasting.said = cause
    lasting.changes += 1
  }

  /** The cause that was said last of each key that does not succeed. */
  lasting(): readonly string[] {
    return [...this.#lasting.values()].flatMap(({ said }) => said ?? [])
  }

  /** The key succeeded, or is gone. Returns for how long it had not, in ms, if that was said. */
  over(key: Key): number | undefined {
    const lasting = this.#lasting.get(key)
    this.#lasting.delete(key)
    return lasting?.said === undefined ? undefined : this.#now() - lasting.since
  }
}
