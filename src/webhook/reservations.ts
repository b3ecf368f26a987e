import { leaseResource } from '../core/resources.ts'
import type { Objects, Reply } from '../core/objects.ts'
import {
  claimName,
  decodeClaim,
  isSameBinding,
  leaseOf,
  standingOf,
  type Claim,
  type Contender,
  type Holder,
} from './claim.ts'

type ReservationsOptions = {
  readonly objects: Pick<Objects, 'get' | 'create' | 'replace' | 'remove'>
  /** Where the Leases live. */
  readonly namespace: string
  /** Monotonic, in ms. */
  readonly now: () => number
  readonly graceMs?: number
  readonly staleMs?: number
}

export type Reserved =
  | { readonly kind: 'reserved' }
  /** Another binding has the key, or is being given it at this moment. */
  | { readonly kind: 'taken'; readonly by: Holder; readonly pending: boolean }

/** Over the 60 s that the API server gives a request: after that, an admitted object is there or never will be. */
const usualGraceMs = 65_000

/** Within this every replica that answers has seen what was admitted. */
export const usualStaleMs = 180_000

/** Each is a write of somebody else that came first. */
const attempts = 8

/** Deletions that are remembered; a claim older than them is past its grace anyway. */
const rememberedDeletions = 10_000

/** Deletions under way at once: at 200 admissions a second there are as many claims to collect. */
const collectAtOnce = 16

/** What one review asks for. */
type Wish = {
  readonly collisionKey: string
  readonly holder: Holder
  readonly contends: (other: Holder) => Promise<Contender>
  readonly signal: AbortSignal | undefined
}

type Seen = { readonly claim: Claim; readonly since: number }

/**
 * Claims on collision keys, one Lease each, by which all replicas admit as one: of any number of requests for
 * one key at the same time, exactly one gets it. A claim bridges the time until every replica has seen the
 * binding, and is then collected.
 */
export class Reservations {
  readonly #options: ReservationsOptions
  readonly #graceMs: number
  readonly #staleMs: number
  readonly #seen = new Map<string, Seen>()
  readonly #deleted = new Set<string>()
  /** Requests of this replica for one key go one after the other: the API server need not sort them out. */
  readonly #queues = new Map<string, Promise<unknown>>()

  constructor(options: ReservationsOptions) {
    this.#options = options
    this.#graceMs = options.graceMs ?? usualGraceMs
    this.#staleMs = options.staleMs ?? usualStaleMs
  }

  /** How many claims there are, as far as is known. */
  get size(): number {
    return this.#seen.size
  }

  /** Told by a reflector of Leases. */
  observed(lease: unknown): void {
    this.#note(decodeClaim(lease))
  }

  forgotten(name: string): void {
    this.#seen.delete(name)
  }

  /** Told of bindings that were deleted: their claims are free at once. */
  holderDeleted(uid: string): void {
    this.#deleted.add(uid)
    if (this.#deleted.size <= rememberedDeletions) return
    for (const oldest of this.#deleted.values().take(1)) this.#deleted.delete(oldest)
  }

  /**
   * Takes a key for a binding that is about to be admitted. `contends` reads live whether another binding has it.
   * Throws when the API server gives no answer that settles it, and once the signal says that nobody waits for
   * one any more: a claim for a request that is over would only be in the way of others.
   */
  async reserve(
    collisionKey: string,
    holder: Holder,
    contends: (other: Holder) => Promise<Contender>,
    signal?: AbortSignal,
  ): Promise<Reserved> {
    const name = claimName(collisionKey)
    const before = this.#queues.get(name) ?? Promise.resolve()
    const turn = before.then(() => this.#reserve({ collisionKey, holder, contends, signal }))
    const settled = turn.catch(() => {})
    this.#queues.set(name, settled)
    try {
      return await turn
    } finally {
      if (this.#queues.get(name) === settled) this.#queues.delete(name)
    }
  }

  async #reserve(wish: Wish): Promise<Reserved> {
    const { objects, namespace } = this.#options
    const { collisionKey, holder, signal } = wish
    const name = claimName(collisionKey)
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      signal?.throwIfAborted()
      if (!this.#seen.has(name)) {
        const created = await objects.create(leaseResource, leaseOf(namespace, collisionKey, holder))
        if (created.kind === 'done') return this.#taken(created.object)
        if (created.kind !== 'conflict') throw unanswered('creating', name, created)
      }
      const found = await objects.get(leaseResource, { namespace, name })
      if (found.kind === 'absent') this.#seen.delete(name)
      else if (found.kind === 'done') {
        const reserved = await this.#contend(decodeClaim(found.object), wish)
        if (reserved) return reserved
      } else throw unanswered('reading', name, found)
    }
    throw new Error(`Lease ${name} is fought over: ${attempts} attempts to take it lost`)
  }

  /** Undefined if somebody else changed the claim meanwhile: look again. */
  async #contend(
    claim: Claim,
    { collisionKey, holder, contends, signal }: Wish,
  ): Promise<Reserved | undefined> {
    const { objects, namespace, now } = this.#options
    const { since } = this.#note(claim)
    const standing = standingOf(claim, holder, {
      contender: isSameBinding(claim.holder, holder) ? 'none' : await contends(claim.holder),
      ageMs: now() - since,
      deleted: this.#deleted.has(claim.holder.uid),
      graceMs: this.#graceMs,
    })
    switch (standing) {
      case 'held':
      case 'pending':
        return { kind: 'taken', by: claim.holder, pending: standing === 'pending' }
      case 'ours':
      case 'abandoned': {
        signal?.throwIfAborted()
        const lease = leaseOf(namespace, collisionKey, holder, claim)
        const replaced = await objects.replace(leaseResource, lease)
        if (replaced.kind === 'done') return this.#taken(replaced.object)
        if (replaced.kind === 'conflict' || replaced.kind === 'absent') return undefined
        throw unanswered('taking over', claim.name, replaced)
      }
    }
  }

  #taken(lease: unknown): Reserved {
    this.#note(decodeClaim(lease))
    return { kind: 'reserved' }
  }

  /** Its age counts from when this replica first saw it at this resourceVersion. */
  #note(claim: Claim): Seen {
    const known = this.#seen.get(claim.name)
    if (known?.claim.resourceVersion === claim.resourceVersion) return known
    const seen = { claim, since: this.#options.now() }
    this.#seen.set(claim.name, seen)
    return seen
  }

  /** For the leader: deletes the claims that have served their time, or whose holder is gone. */
  async collect(): Promise<void> {
    const { now } = this.#options
    const done = this.#seen
      .values()
      .filter(({ claim, since }) => now() - since > this.#staleMs || this.#deleted.has(claim.holder.uid))
      .map(({ claim }) => claim)
      .toArray()
      .values()
    // All take from one iterator: each goes on with the next claim when it is through with one.
    await Promise.all(Array.from({ length: collectAtOnce }, () => this.#collect(done)))
  }

  async #collect(claims: Iterator<Claim>): Promise<void> {
    const { objects, namespace } = this.#options
    for (const { name, uid, resourceVersion } of Iterator.from(claims)) {
      const removed = await objects.remove(leaseResource, { namespace, name }, { uid, resourceVersion })
      if (removed.kind === 'done' || removed.kind === 'absent') this.#seen.delete(name)
    }
  }
}

const unanswered = (doing: string, name: string, reply: Exclude<Reply, { kind: 'done' }>): Error =>
  new Error(
    `${doing} Lease ${name}: ${reply.kind === 'absent' ? 'not found' : reply.kind === 'failed' ? reply.cause : reply.message}`,
  )
