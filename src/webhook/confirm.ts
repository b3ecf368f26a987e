import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { identityOf } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import type { Finding } from '../core/findings.ts'
import type { Identity } from '../core/identity.ts'
import { field, objectOr } from '../core/json.ts'
import { byBytes, isDns1123Subdomain } from '../core/names.ts'
import { doOverlap } from '../core/overlap.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from '../core/references.ts'
import { bindingResource, gvk, objectiveResources, poolResources, type Resource } from '../core/resources.ts'

/**
 * Reads one object from the API server; undefined if it is not there. Throws when no answer can be had, which
 * ends the review without one.
 */
export type ReadLive = (resource: Resource, at: At) => Promise<unknown>

type At = { readonly namespace: string; readonly name: string }

/** Neighbours of each kind that are read: with these, advice is sure enough to refuse. */
const readAtMost = 64

/** Peers that are read at once. One that still holds the key is enough to refuse. */
const batch = 16

/**
 * Whether memory may be out of date about what is wrong. A missing kind is not among it: that is only ever
 * believed after a live read.
 */
export const needsConfirmation = (findings: readonly Finding[]): boolean =>
  findings.some(({ rule }) => doubtful.has(rule))

const doubtful: ReadonlySet<Finding['rule']> = new Set([
  'targetPoolNotFound',
  'targetObjectiveNotFound',
  'objectiveOfAnotherPool',
  'invalidPoolSelector',
  'identityCollision',
])

/**
 * The world with the objects that decide about a binding read again: its pool, its objective and, where its
 * collision key is contested, the other holders with theirs; its neighbours too, where they decide.
 */
export async function confirm(
  binding: Binding,
  remembered: World,
  read: ReadLive,
  { neighbours = false }: { readonly neighbours?: boolean } = {},
): Promise<World> {
  const world = new LiveWorld(remembered, read)
  await world.readReferences(binding)
  const identity = identityOf(binding, world)
  if (!identity) return world
  if (identity.collisionKey !== undefined) await world.readHolders(binding, identity.collisionKey)
  if (neighbours) await world.readNeighbours(binding, identity)
  return world
}

/** Whether a binding has a collision key, by a live read of it, its pool and its objective. */
export const holdsLive = (
  at: At,
  collisionKey: string,
  remembered: World,
  read: ReadLive,
): Promise<boolean> => new LiveWorld(remembered, read).holds(at, collisionKey)

/** Another binding as it was read, and what it stands for; undefined for one that is gone or going. */
type Peer = { readonly binding: Binding; readonly identity: Identity } | undefined

class LiveWorld implements World {
  readonly settings: World['settings']
  readonly neighbours: World['neighbours']
  readonly #remembered: World
  readonly #read: ReadLive
  readonly #pools = new Map<string, Pool | undefined>()
  readonly #objectives = new Map<string, Objective | undefined>()
  /** By name: those that were read. Memory speaks for the others. */
  readonly #peers = new Map<string, Peer>()
  #neighboursAreRead = false

  constructor(remembered: World, read: ReadLive) {
    this.settings = remembered.settings
    this.#remembered = remembered
    this.#read = read
    const { neighbours } = remembered
    this.neighbours = {
      sharingSpiffeId: (spiffeId) =>
        this.#near(neighbours.sharingSpiffeId(spiffeId), (peer) => peer.identity.spiffeId === spiffeId),
      onPool: (binding, poolGroup, mode) =>
        this.#near(
          neighbours.onPool(binding, poolGroup, mode),
          (peer) =>
            peer.identity.mode === mode &&
            peer.binding.spec.serviceAccountName === binding.spec.serviceAccountName &&
            peer.identity.poolGroup === poolGroup &&
            peer.binding.spec.poolRef.name === binding.spec.poolRef.name,
        ),
      overlapping: (binding, identity) =>
        this.#near(neighbours.overlapping(binding, identity), (peer) =>
          doOverlap({ binding, identity }, peer),
        ),
    }
  }

  isServed(resource: Resource): boolean {
    return this.#remembered.isServed(resource)
  }

  pool(resource: Resource, namespace: string, name: string): Pool | undefined {
    const at = place(resource, namespace, name)
    return this.#pools.has(at) ? this.#pools.get(at) : this.#remembered.pool(resource, namespace, name)
  }

  objective(resource: Resource, namespace: string, name: string): Objective | undefined {
    const at = place(resource, namespace, name)
    return this.#objectives.has(at)
      ? this.#objectives.get(at)
      : this.#remembered.objective(resource, namespace, name)
  }

  holders(collisionKey: string): Iterable<string> {
    return this.#standing(
      this.#remembered.holders(collisionKey),
      (peer) => peer.identity.collisionKey === collisionKey,
    )
  }

  /** Without those that were read and are not what memory takes them for. */
  #standing(names: Iterable<string>, is: (peer: NonNullable<Peer>) => boolean): Iterable<string> {
    return Iterator.from(names).filter((name) => {
      const peer = this.#peers.get(name)
      return peer ? is(peer) : !this.#peers.has(name)
    })
  }

  /** Where advice refuses, it does so for neighbours that were read, and for no others. */
  #near(names: Iterable<string>, is: (peer: NonNullable<Peer>) => boolean): Iterable<string> {
    return Iterator.from(this.#standing(names, is)).filter(
      (name) => !this.#neighboursAreRead || this.#peers.has(name),
    )
  }

  /** Follows the binding's references as the checks will, asking every kind that they may ask. */
  async readReferences({ namespace, spec }: Binding): Promise<void> {
    await Promise.all([
      this.#readInto(this.#pools, poolResources, namespace, spec.poolRef.name, decodePool),
      this.#readInto(this.#objectives, objectiveResources, namespace, spec.objectiveRef?.name, (object) =>
        decodeObjective(object, namespace),
      ),
    ])
  }

  async #readInto<T>(
    found: Map<string, T | undefined>,
    row: readonly Resource[],
    namespace: string,
    name: unknown,
    decode: (spec: unknown) => T,
  ): Promise<void> {
    if (typeof name !== 'string' || !isDns1123Subdomain(name)) return
    const unread = row.filter(
      (resource) => this.isServed(resource) && !found.has(place(resource, namespace, name)),
    )
    await Promise.all(
      unread.map(async (resource) => {
        const object = await this.#read(resource, { namespace, name })
        const decoded = object === undefined ? undefined : decode(field(objectOr(object), 'spec'))
        found.set(place(resource, namespace, name), decoded)
      }),
    )
  }

  async readHolders({ namespace, name: own }: Binding, collisionKey: string): Promise<void> {
    const peers = [...this.#remembered.holders(collisionKey)].filter((name) => name !== own).toSorted(byBytes)
    for (let start = 0; start < peers.length; start += batch) {
      const names = peers.slice(start, start + batch)
      const answers = await Promise.all(names.map((name) => this.holds({ namespace, name }, collisionKey)))
      if (answers.includes(true)) return
    }
  }

  /** Reads those of whom advice may speak, up to so many of each kind. */
  async readNeighbours(binding: Binding, identity: Identity): Promise<void> {
    const { neighbours } = this.#remembered
    const { spiffeId, poolGroup, mode } = identity
    const other = mode === 'PoolOnly' ? 'PerObjective' : 'PoolOnly'
    const near = [
      ...Iterator.from(neighbours.sharingSpiffeId(spiffeId)).take(readAtMost),
      ...Iterator.from(neighbours.onPool(binding, poolGroup, other)).take(readAtMost),
      ...Iterator.from(neighbours.overlapping(binding, identity)).take(readAtMost),
    ]
    const { namespace, name: own } = binding
    const unread = [...new Set(near)].filter((name) => name !== own && !this.#peers.has(name))
    for (let start = 0; start < unread.length; start += batch)
      await Promise.all(unread.slice(start, start + batch).map((name) => this.#readPeer({ namespace, name })))
    this.#neighboursAreRead = true
  }

  async holds(at: At, collisionKey: string): Promise<boolean> {
    return (await this.#readPeer(at))?.identity.collisionKey === collisionKey
  }

  async #readPeer(at: At): Promise<Peer> {
    const object = await this.#read(bindingResource, at)
    const binding = object === undefined ? undefined : decodeBinding(object)
    if (binding && !binding.deleting) await this.readReferences(binding)
    const identity = binding && !binding.deleting ? identityOf(binding, this) : undefined
    const peer = binding && identity && { binding, identity }
    this.#peers.set(at.name, peer)
    return peer
  }
}

const place = (resource: Resource, namespace: string, name: string): string =>
  `${gvk(resource)} ${bindingKey(namespace, name)}`
