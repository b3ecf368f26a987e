/** For how long something has been seen, and nothing else. */
export class Standing {
  #what: string | undefined
  #since = 0

  /** `isNew` where it came only now, though it may have been seen before. */
  saw(what: string, now: number, isNew: boolean): void {
    if (!isNew && this.#what === what) return
    this.#what = what
    this.#since = now
  }

  forMs(what: string, now: number): number {
    return this.#what === what ? now - this.#since : 0
  }
}
