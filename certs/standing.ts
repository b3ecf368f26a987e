/** Measures for how long one value has stood without a break. Another value begins a new measurement. */
export class Standing {
  #what: string | undefined
  #since = 0

  /**
   * @param isNew the value was written just now, so that its time begins anew although the same value was seen before
   */
  saw(what: string, now: number, isNew: boolean): void {
    if (!isNew && this.#what === what) return
    this.#what = what
    this.#since = now
  }

  forMs(what: string, now: number): number {
    return this.#what === what ? now - this.#since : 0
  }
}
