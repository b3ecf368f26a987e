import { foresee, waits } from '../core/appraise.ts'
import type { Binding } from '../core/binding.ts'
import { isRival } from '../core/checks/collision.ts'
import { evaluate } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import type { Finding } from '../core/findings.ts'
import type { Identity } from '../core/identity.ts'
import { byBytes } from '../core/names.ts'
import type { Known } from '../core/overlay.ts'
import type { Contender } from './claim.ts'
import { LiveNamespace, type ReadLive } from './live.ts'

/** Neighbours of each kind that are read: with these, advice is sure enough to refuse. */
const readAtMost = 64

/** Peers that are read at once. One that still stands in the way is enough to refuse. */
const batch = 16

/**
 * Whether memory may be out of date about what is wrong. A missing kind is not among it: that is only ever
 * believed after a live read.
 */
export const needsConfirmation = (findings: readonly Finding[]): boolean =>
  findings.some(({ rule }) => doubtful.has(rule))

/**
 * Whether a binding that fails by memory fails by a live read, too. Of a collision it is enough to find one other binding
 * that still stands in the way, however many memory has.
 */
export async function isStill(
  rule: Finding['rule'],
  binding: Binding,
  remembered: Known,
  read: ReadLive,
): Promise<boolean> {
  if (!doubtful.has(rule)) return true
  const live = new LiveNamespace(remembered, binding.namespace, read)
  await live.readReferences(binding)
  const { findings, identity } = evaluate(binding, live.world)
  if (findings[0]?.rule !== rule) return false
  if (rule !== 'identityCollision' || identity?.collisionKey === undefined) return true
  const { collisionKey } = identity
  // Those that memory has: what is read comes to be among the holders, too.
  for (const name of Array.from(live.world.holders(collisionKey), (holder) => holder.name)) {
    const peer = name === binding.name ? undefined : await live.readPeer(name)
    if (!peer || !isRival(binding, peer)) continue
    if (live.world.stakeOf(peer).identity?.collisionKey === collisionKey) return true
  }
  return false
}

const doubtful: ReadonlySet<Finding['rule']> = new Set([
  'targetPoolNotFound',
  'targetObjectiveNotFound',
  'objectiveOfAnotherPool',
  'invalidPoolSelector',
  'identityCollision',
  'pendingCollision',
])

/**
 * The world with the objects that decide about a binding read again: its pool, its objective and, where its container
 * is contested, the others that ask for it with theirs; its neighbours too, where they decide.
 */
export async function confirm(
  binding: Binding,
  remembered: Known,
  read: ReadLive,
  { neighbours = false }: { readonly neighbours?: boolean } = {},
): Promise<World> {
  const live = new LiveNamespace(remembered, binding.namespace, read)
  const { world } = live
  await live.readReferences(binding)
  const { evaluation, stake } = foresee(binding, world)
  const { identity } = evaluation
  const keys = [...(identity?.collisionKey === undefined ? [] : [identity.collisionKey]), ...stake.latent]
  for (const key of keys) await readRivals(live, binding, world.claimants(key), () => true)
  const { reference } = stake
  // A collision says all that a reference could.
  if (reference !== undefined && !foresee(binding, world).findings.some(isCollision))
    await readRivals(
      live,
      binding,
      world.sharing(reference),
      (peer) => waits(evaluation) || waits(evaluate(peer, world)),
    )
  if (neighbours && identity) await readNeighbours(live, binding, identity, remembered)
  return world
}

const isCollision = ({ rule }: Finding): boolean => rule === 'identityCollision'

/** Reads those that are in the way by memory, until one of them still is, and of the kind that is wanted. */
async function readRivals(
  live: LiveNamespace,
  binding: Binding,
  others: Iterable<Binding>,
  isWanted: (peer: Binding) => boolean,
): Promise<void> {
  const names = [...others].map(({ name }) => name).filter((name) => name !== binding.name)
  const unread = names.filter((name) => !live.world.speaksOf(name)).toSorted(byBytes)
  const stands = standing(live, binding)
  for (let start = 0; start < unread.length; start += batch) {
    const peers = await Promise.all(unread.slice(start, start + batch).map((name) => live.readPeer(name)))
    if (peers.some((peer) => peer && stands(peer) && isWanted(peer))) return
  }
}

/** Tells whether a peer that was read asks for a container that a binding asks for, and not as its other name. */
function standing({ world }: LiveNamespace, binding: Binding): (peer: Binding) => boolean {
  const { evaluation, stake } = foresee(binding, world)
  const held = evaluation.identity?.collisionKey
  const keys = [...(held === undefined ? [] : [held]), ...stake.latent]
  return (peer) => {
    const theirs = world.stakeOf(peer)
    const isContested =
      keys.some((key) => theirs.identity?.collisionKey === key || theirs.latent.includes(key)) ||
      (stake.reference !== undefined && stake.reference === theirs.reference)
    return isContested && isRival(binding, peer)
  }
}

/**
 * Whether another binding has what a binding claims, by a live read of it, its pool and its objective.
 *
 * @param claim a collision key, or what a binding asks for by reference
 */
export async function contends(
  name: string,
  claim: string,
  binding: Binding,
  remembered: Known,
  read: ReadLive,
): Promise<Contender> {
  const live = new LiveNamespace(remembered, binding.namespace, read)
  const other = await live.readPeer(name)
  if (!other) return 'none'
  const { identity, latent, reference } = live.world.stakeOf(other)
  if (identity?.collisionKey !== claim && reference !== claim && !latent.includes(claim)) return 'none'
  return isRival(binding, other) ? 'rival' : 'renamed'
}

/** Reads those of whom advice may speak, up to so many of each kind. */
async function readNeighbours(
  live: LiveNamespace,
  binding: Binding,
  identity: Identity,
  { neighbours }: World,
): Promise<void> {
  const { spiffeId, poolGroup, mode } = identity
  const other = mode === 'PoolOnly' ? 'PerObjective' : 'PoolOnly'
  const near = [
    ...Iterator.from(neighbours.sharingSpiffeId(spiffeId)).take(readAtMost),
    ...Iterator.from(neighbours.onPool(binding, poolGroup, other)).take(readAtMost),
    ...Iterator.from(neighbours.overlapping(binding, identity)).take(readAtMost),
  ]
  const unread = [...new Set(near)].filter((name) => name !== binding.name && !live.world.speaksOf(name))
  for (let start = 0; start < unread.length; start += batch)
    await Promise.all(unread.slice(start, start + batch).map((name) => live.readPeer(name)))
  live.world.neighboursAreSet()
}
