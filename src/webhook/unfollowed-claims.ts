import { isSameBinding, type Claim, type Holder } from './claim.ts'

/** How many claims on one key may come to nothing within the window, before claims on it refuse nobody any more. */
const unfollowedAtMost = 3
export const windowMs = 600_000

/** A client that tries again at once is still at the same attempt. */
const sameAttemptMs = 15_000

type Attempt = { readonly at: number; holder: Holder }

type Options = {
  /** Monotonic, in ms. */
  readonly now: () => number
  /** Whether the binding is known to have the key now, or was deleted after it was there. */
  readonly isFollowed: (key: string, holder: Holder) => boolean
}

/**
 * The claims that no binding followed. Whoever can call the webhook can claim a key without ever making a binding, and
 * again when the grace is over, and so keep everybody else from it. More than three such claims in ten minutes are no
 * accident: from then on the key is claimed as before, but nobody is refused for a claim alone. Two at once may then
 * both be admitted; the reconcile loop finds that.
 */
export class UnfollowedClaims {
  readonly #options: Options
  /** Attempts by the name of the claim. The claim that was made last is last. */
  readonly #attempts = new Map<string, Attempt[]>()

  constructor(options: Options) {
    this.#options = options
  }

  /** How many keys it keeps count of. */
  get size(): number {
    return this.#attempts.size
  }

  /** A claim was made, renewed or taken over. */
  made({ name, key, holder }: Claim): void {
    const at = this.#options.now()
    const attempts = this.#unfollowed(name, key)
    const last = attempts.at(-1)
    if (last && isSameBinding(last.holder, holder) && at - last.at < sameAttemptMs) last.holder = holder
    else attempts.push({ at, holder })
    this.#attempts.delete(name)
    this.#attempts.set(name, attempts)
    this.forgetOld()
  }

  areTooMany({ name, key }: Claim): boolean {
    return this.#unfollowed(name, key).length > unfollowedAtMost
  }

  /** A live read shows that the holder of the claim is there, and that its claim is over. */
  followed({ name, holder }: Claim): void {
    const attempts = this.#attempts.get(name)?.filter((one) => !isSameBinding(one.holder, holder))
    if (attempts) this.#attempts.set(name, attempts)
  }

  /** The claim was collected: what is remembered of it is only what came to nothing. */
  collected({ name, key }: Claim): void {
    const attempts = this.#unfollowed(name, key)
    if (attempts.length === 0) this.#attempts.delete(name)
    else this.#attempts.set(name, attempts)
  }

  /** Forgets the claims before the window. */
  forgetOld(): void {
    const now = this.#options.now()
    for (const [name, attempts] of this.#attempts) {
      if (now - (attempts.at(-1)?.at ?? 0) < windowMs) return
      this.#attempts.delete(name)
    }
  }

  #unfollowed(name: string, key: string): Attempt[] {
    const { now, isFollowed } = this.#options
    return (this.#attempts.get(name) ?? []).filter(
      ({ at, holder }) => now() - at < windowMs && !isFollowed(key, holder),
    )
  }
}
