/** How many connections an address may open before it has shown a token. */
export type ConnectionLimits = {
  /** At once. An API server opens one for each call that is under way. */
  readonly burst: number
  readonly perSecond: number
  /** Open at one time. */
  readonly open: number
}

/** A handshake is about a millisecond of CPU: 20 a second cost 2 % of one, from each address. */
export const usualConnectionLimits: ConnectionLimits = { burst: 200, perSecond: 20, open: 256 }

/** For this long after a call with a token the connections of an address are not limited. */
const knownMs = 600_000

/** How many addresses are remembered; beyond that the ones heard from longest ago are forgotten. */
const rememberedAddresses = 10_000

type Address = { allowance: number; at: number; open: number; knownUntil: number }

/**
 * Limits new connections. A TLS handshake costs the server more than the client and comes before the client can show
 * a token, so without a limit anybody who reaches the port could keep the event loop busy with handshakes. An API
 * server shows its token with its first call; after that its connections are not limited.
 */
export class Newcomers {
  readonly #connectionLimits: ConnectionLimits
  readonly #now: () => number
  readonly #addresses = new Map<string, Address>()

  /** `now` is monotonic, in ms. */
  constructor(connectionLimits: ConnectionLimits, now: () => number) {
    this.#connectionLimits = connectionLimits
    this.#now = now
  }

  /** Takes in a new connection from this address, which then counts as open until `closed` is called. False over the limits. */
  open(address: string): boolean {
    const one = this.#of(address)
    const { burst, perSecond, open } = this.#connectionLimits
    const now = this.#now()
    one.allowance = Math.min(burst, one.allowance + ((now - one.at) / 1000) * perSecond)
    one.at = now
    if (now >= one.knownUntil) {
      if (one.allowance < 1 || one.open >= open) return false
      one.allowance -= 1
    }
    one.open += 1
    return true
  }

  closed(address: string): void {
    const one = this.#addresses.get(address)
    if (one) one.open = Math.max(0, one.open - 1)
  }

  /** Notes that a call from this address had a token. */
  cameWithToken(address: string): void {
    this.#of(address).knownUntil = this.#now() + knownMs
  }

  #of(address: string): Address {
    const one = this.#addresses.get(address) ?? {
      allowance: this.#connectionLimits.burst,
      at: this.#now(),
      open: 0,
      knownUntil: Number.NEGATIVE_INFINITY,
    }
    // Set again, so that the map is ordered by when an address was last heard from.
    this.#addresses.delete(address)
    this.#addresses.set(address, one)
    if (this.#addresses.size > rememberedAddresses)
      for (const oldest of this.#addresses.keys().take(1)) this.#addresses.delete(oldest)
    return one
  }
}
