import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { evaluate } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import type { Finding } from '../core/findings.ts'
import { field, objectOr } from '../core/json.ts'
import { byBytes, isDns1123Subdomain } from '../core/names.ts'
import { decodeObjective, decodePool, type Objective, type Pool } from '../core/references.ts'
import { bindingResource, gvk, objectiveResources, poolResources, type Resource } from '../core/resources.ts'

/**
 * Reads one object from the API server; undefined if it is not there. Throws when no answer can be had, which
 * ends the review without one.
 */
export type ReadLive = (
  resource: Resource,
  at: { readonly namespace: string; readonly name: string },
) => Promise<unknown>

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
 * collision key is contested, the other holders with theirs.
 */
export async function confirm(binding: Binding, remembered: World, read: ReadLive): Promise<World> {
  const world = new LiveWorld(remembered, read)
  await world.readReferences(binding)
  const key = evaluate(binding, world).identity?.collisionKey
  if (key !== undefined) await world.readHolders(binding, key)
  return world
}

/** Whether a binding has a collision key, by a live read of it, its pool and its objective. */
export const holdsLive = (
  at: { readonly namespace: string; readonly name: string },
  collisionKey: string,
  remembered: World,
  read: ReadLive,
): Promise<boolean> => new LiveWorld(remembered, read).stillHolds(at, collisionKey)

class LiveWorld implements World {
  readonly settings: World['settings']
  readonly neighbours: World['neighbours']
  readonly #remembered: World
  readonly #read: ReadLive
  readonly #pools = new Map<string, Pool | undefined>()
  readonly #objectives = new Map<string, Objective | undefined>()
  /** By name: holders of the one contested key that were read and turned out to hold it, or not. */
  readonly #holds = new Map<string, boolean>()

  constructor(remembered: World, read: ReadLive) {
    this.settings = remembered.settings
    const { neighbours } = remembered
    this.neighbours = {
      sharingSpiffeId: (spiffeId) => this.#standing(neighbours.sharingSpiffeId(spiffeId)),
      onPool: (binding, mode) => this.#standing(neighbours.onPool(binding, mode)),
      sharingLabel: (binding, labels) =>
        Iterator.from(neighbours.sharingLabel(binding, labels)).filter(({ name }) => this.#mayStand(name)),
    }
    this.#remembered = remembered
    this.#read = read
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
    return this.#standing(this.#remembered.holders(collisionKey))
  }

  /** Without those that were read and are not what memory takes them for. */
  #standing(names: Iterable<string>): Iterable<string> {
    return Iterator.from(names).filter((name) => this.#mayStand(name))
  }

  #mayStand(name: string): boolean {
    return this.#holds.get(name) !== false
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
      const answers = await Promise.all(
        peers.slice(start, start + batch).map(async (name) => {
          const holds = await this.stillHolds({ namespace, name }, collisionKey)
          this.#holds.set(name, holds)
          return holds
        }),
      )
      if (answers.includes(true)) return
    }
  }

  async stillHolds(
    at: { readonly namespace: string; readonly name: string },
    collisionKey: string,
  ): Promise<boolean> {
    const object = await this.#read(bindingResource, at)
    if (object === undefined) return false
    const peer = decodeBinding(object)
    await this.readReferences(peer)
    return !peer.deleting && evaluate(peer, this).identity?.collisionKey === collisionKey
  }
}

const place = (resource: Resource, namespace: string, name: string): string =>
  `${gvk(resource)} ${bindingKey(namespace, name)}`
