/** Why a key does not succeed: `words` for people, `cause` to tell one reason from another. */
export type Trouble = { readonly words: string; readonly cause: string }

type Lasting = {
  /** When the first of the unsuccessful runs began. */
  readonly since: number
  /** The cause that was reported last. */
  reported: string | undefined
  /** How often a cause was reported that differs from the one reported before it. */
  changes: number
}

/** A key that has not succeeded for this long is reported. */
const reportAfterMs = 10_000

/** Keeps track of keys that do not succeed, and decides when each is reported. */
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
   * @param began when the run began, so that the time of a call that hangs counts too
   * @returns `due` if the trouble is to be reported now: a text unique to this occasion; `withinMs`: run the key
   *   again within this time, so that a report that becomes due is not late
   */
  note(
    key: Key,
    began: number,
    { cause }: Trouble,
  ): { readonly due: string | undefined; readonly withinMs: number | undefined } {
    const lasting = this.#lasting.get(key) ?? { since: began, reported: undefined, changes: 0 }
    this.#lasting.set(key, lasting)
    const left = lasting.since + reportAfterMs - this.#now()
    if (left > 0) return { due: undefined, withinMs: left }
    const due = lasting.reported === cause ? undefined : `${lasting.since}/${lasting.changes}/${cause}`
    return { due, withinMs: undefined }
  }

  /** Notes that the trouble was reported everywhere. */
  reported(key: Key, { cause }: Trouble): void {
    const lasting = this.#lasting.get(key)
    if (!lasting) return
    lasting.reported = cause
    lasting.changes += 1
  }

  /** For each key that does not succeed, the cause that was reported last. */
  lasting(): readonly string[] {
    return [...this.#lasting.values()].flatMap(({ reported }) => reported ?? [])
  }

  /** Forgets a key that succeeded or is gone. Returns for how many ms it had not succeeded, if that was reported. */
  over(key: Key): number | undefined {
    const lasting = this.#lasting.get(key)
    this.#lasting.delete(key)
    return lasting?.reported === undefined ? undefined : this.#now() - lasting.since
  }
}
