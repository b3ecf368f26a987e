import type { Objects, Reply } from '../core/objects.ts'
import { leaseResource } from '../core/resources.ts'
import {
  claimName,
  decodeClaim,
  hasMovedOn,
  isSameBinding,
  leaseOf,
  claimStateOf,
  type Claim,
  type Claimant,
  type Holder,
  type ReadHolder,
} from './claim.ts'
import { Undecided } from './undecided.ts'
import { UnfollowedClaims, windowMs } from './unfollowed-claims.ts'

type ReservationsOptions = {
  readonly objects: Pick<Objects, 'get' | 'create' | 'replace' | 'remove'>
  /** The namespace of the Leases. */
  readonly namespace: string
  /** Monotonic, in ms. */
  readonly now: () => number
  /** The known bindings that have a key which can be claimed, all of one namespace. */
  readonly holders: (key: string) => Iterable<Pick<Holder, 'name'>>
  /**
   * Called when a binding gets a key that another one claims, because too many claims on the key were never followed
   * by a binding.
   */
  readonly disregarded?: (claimant: Holder, winner: Holder) => void
  readonly graceMs?: number
  readonly staleMs?: number
}

export type Reserved =
  | { readonly kind: 'reserved' }
  /** Another binding holds the key, or is being admitted with it. */
  | { readonly kind: 'taken'; readonly by: Holder; readonly pending: boolean }

/** Over the 60 s that the API server gives a request: after that, an admitted object is there or never will be. */
const usualGraceMs = 65_000

/**
 * By then every replica that still answers has seen the admitted binding, because one that is further behind does not
 * answer.
 */
export const usualStaleMs = 180_000

/** How often a claim is tried. Each failure means that somebody else wrote the Lease first. */
const attempts = 8

/** How many deleted bindings are remembered, and for how long. A claim of an older deletion has expired anyway. */
const rememberedDeletions = { atMost: 10_000, forMs: Math.max(usualStaleMs, windowMs) } as const

/** How many claims are deleted at the same time. At 200 admissions a second as many claims have to be collected. */
const collectAtOnce = 16

/** What one review asks for. */
type KeyRequest = {
  /** As `keyToClaim` tells it. */
  readonly key: string
  readonly claimant: Claimant
  readonly readHolder: (holder: Holder) => Promise<ReadHolder>
  readonly signal: AbortSignal | undefined
}

type SeenClaim = { readonly claim: Claim; readonly since: number }

/**
 * Claims on keys, one Lease for each key, shared by all replicas: of any number of simultaneous requests
 * for one key exactly one gets it. A claim is needed until every replica has seen the binding, and is then deleted.
 */
export class Reservations {
  readonly #options: ReservationsOptions
  readonly #graceMs: number
  readonly #staleMs: number
  readonly #seen = new Map<string, SeenClaim>()
  /** When each deleted binding was deleted, by uid, the oldest first. */
  readonly #deleted = new Map<string, number>()
  readonly #unfollowed: UnfollowedClaims
  /** Requests for one key wait for each other within this replica, which saves conflicts at the API server. */
  readonly #queues = new Map<string, Promise<unknown>>()

  constructor(options: ReservationsOptions) {
    this.#options = options
    this.#graceMs = options.graceMs ?? usualGraceMs
    this.#staleMs = options.staleMs ?? usualStaleMs
    this.#unfollowed = new UnfollowedClaims({
      now: options.now,
      isFollowed: (key, { name, uid }) =>
        this.#deleted.has(uid) || Iterator.from(options.holders(key)).some((one) => one.name === name),
    })
  }

  /** The number of known claims. */
  get size(): number {
    return this.#seen.size
  }

  /** To be called by a reflector for each Lease. */
  observed(lease: unknown): void {
    this.#note(decodeClaim(lease))
  }

  forgotten(name: string): void {
    const seen = this.#seen.get(name)
    if (seen) this.#unfollowed.collected(seen.claim)
    this.#seen.delete(name)
  }

  /** To be called for deleted bindings: their claims are free at once. */
  holderDeleted(uid: string): void {
    this.#deleted.delete(uid)
    this.#deleted.set(uid, this.#options.now())
    if (this.#deleted.size <= rememberedDeletions.atMost) return
    for (const oldest of this.#deleted.keys().take(1)) this.#deleted.delete(oldest)
  }

  /** Forgets deletions, and claims that came to nothing, that no longer decide anything. To be called now and then. */
  forgetOld(): void {
    const before = this.#options.now() - rememberedDeletions.forMs
    for (const [uid, at] of this.#deleted) {
      if (at > before) break
      this.#deleted.delete(uid)
    }
    this.#unfollowed.forgetOld()
  }

  /**
   * Claims a key for a binding that is about to be admitted. `readHolder` reads live whether the holder of a claim on the key
   * has it. Throws `Undecided` if the API server gives no answer, and the signal's reason when that aborts: a claim for a
   * request that nobody waits for would only block others.
   */
  async reserve(
    key: string,
    claimant: Claimant,
    readHolder: (holder: Holder) => Promise<ReadHolder>,
    signal?: AbortSignal,
  ): Promise<Reserved> {
    const name = claimName(key)
    const before = this.#queues.get(name) ?? Promise.resolve()
    const turn = before.then(() => this.#reserve({ key, claimant, readHolder, signal }))
    const settled = turn.catch(() => {})
    this.#queues.set(name, settled)
    try {
      return await turn
    } finally {
      if (this.#queues.get(name) === settled) this.#queues.delete(name)
    }
  }

  async #reserve(request: KeyRequest): Promise<Reserved> {
    const { objects, namespace } = this.#options
    const { key, claimant, signal } = request
    const name = claimName(key)
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      signal?.throwIfAborted()
      if (!this.#seen.has(name)) {
        const created = await objects.create(leaseResource, leaseOf(namespace, key, claimant))
        if (created.kind === 'done') return this.#taken(created.object)
        if (created.kind === 'absent')
          throw new Undecided(
            `there is no namespace ${namespace} for Leases; create it, or name another with --namespace`,
          )
        if (created.kind !== 'conflict') throw unanswered('creating', name, created)
      }
      const found = await objects.get(leaseResource, { namespace, name })
      if (found.kind === 'absent') this.#seen.delete(name)
      else if (found.kind === 'done') {
        const reserved = await this.#contend(decodeClaim(found.object), request)
        if (reserved) return reserved
      } else throw unanswered('reading', name, found)
    }
    throw new Undecided(`Lease ${name} is fought over: ${attempts} attempts to take it lost`)
  }

  /** Returns undefined if somebody else changed the claim meanwhile, so that the caller tries again. */
  async #contend(
    claim: Claim,
    { key, claimant, readHolder, signal }: KeyRequest,
  ): Promise<Reserved | undefined> {
    const { objects, namespace, now, disregarded } = this.#options
    const { since } = this.#note(claim)
    const holder: ReadHolder = isSameBinding(claim.holder, claimant)
      ? { contender: 'none' }
      : await readHolder(claim.holder)
    if (hasMovedOn(claim, holder.version)) this.#unfollowed.followed(claim)
    const state = claimStateOf(claim, claimant, {
      ...holder,
      ageMs: now() - since,
      deleted: this.#deleted.has(claim.holder.uid),
      graceMs: this.#graceMs,
    })
    const isDisregarded = state === 'pending' && this.#unfollowed.areTooMany(claim)
    switch (isDisregarded ? 'abandoned' : state) {
      case 'held':
      case 'pending':
        return { kind: 'taken', by: claim.holder, pending: state === 'pending' }
      case 'ours':
      case 'abandoned': {
        signal?.throwIfAborted()
        const lease = leaseOf(namespace, key, claimant, claim)
        const replaced = await objects.replace(leaseResource, lease)
        if (replaced.kind === 'done') {
          if (isDisregarded) disregarded?.(claim.holder, claimant)
          return this.#taken(replaced.object)
        }
        if (replaced.kind === 'conflict' || replaced.kind === 'absent') return undefined
        throw unanswered('taking over', claim.name, replaced)
      }
    }
  }

  #taken(lease: unknown): Reserved {
    this.#note(decodeClaim(lease))
    return { kind: 'reserved' }
  }

  /** The age of a claim counts from when this replica first saw it at its present resourceVersion. */
  #note(claim: Claim): SeenClaim {
    const known = this.#seen.get(claim.name)
    if (known?.claim.resourceVersion === claim.resourceVersion) return known
    const seen = { claim, since: this.#options.now() }
    this.#seen.set(claim.name, seen)
    this.#unfollowed.made(claim)
    return seen
  }

  /** Deletes claims that are no longer needed. To be called by the leader. */
  async collect(): Promise<void> {
    const { now } = this.#options
    const done = this.#seen
      .values()
      .filter(({ claim, since }) => now() - since > this.#staleMs || this.#deleted.has(claim.holder.uid))
      .map(({ claim }) => claim)
      .toArray()
      .values()
    // The workers share one iterator, so that each takes the next claim as soon as it is done with one.
    await Promise.all(Array.from({ length: collectAtOnce }, () => this.#collect(done)))
  }

  async #collect(claims: Iterator<Claim>): Promise<void> {
    const { objects, namespace } = this.#options
    for (const { name, uid, resourceVersion } of Iterator.from(claims)) {
      const removed = await objects.remove(leaseResource, { namespace, name }, { uid, resourceVersion })
      if (removed.kind === 'done' || removed.kind === 'absent') this.forgotten(name)
    }
  }
}

const unanswered = (doing: string, name: string, reply: Exclude<Reply, { kind: 'done' }>): Undecided =>
  new Undecided(
    `${doing} Lease ${name}: ${reply.kind === 'absent' ? 'not found' : reply.kind === 'failed' ? reply.cause : reply.message}`,
  )
