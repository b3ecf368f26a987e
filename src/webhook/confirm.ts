import { foresee, waits } from '../core/appraise.ts'
import type { Binding } from '../core/binding.ts'
import { isRival } from '../core/checks/collision.ts'
import { evaluate } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import type { Finding } from '../core/findings.ts'
import type { Identity } from '../core/identity.ts'
import { byBytes } from '../core/names.ts'
import type { IndexedWorld } from '../core/overlay.ts'
import type { ReadHolder } from './claim.ts'
import { LiveNamespace, type ReadLive } from './live.ts'

/** How many neighbours of each kind are read. If all are read, advice is certain enough to refuse. */
const readAtMost = 64

/** How many peers are read at the same time. Reading ends when one that still collides is found. */
const batch = 16

/**
 * Whether findings from memory have to be confirmed by live reads. A missing kind is confirmed already: it is only
 * believed after a live read.
 */
export const needsConfirmation = (findings: readonly Finding[]): boolean =>
  findings.some(({ rule }) => doubtful.has(rule))

/**
 * Whether a binding that fails by memory fails by a live read, too. Of a collision it is enough to find one other binding
 * that still stands in the way, however many memory has.
 */
export async function failsLive(
  rule: Finding['rule'],
  binding: Binding,
  remembered: IndexedWorld,
  read: ReadLive,
): Promise<boolean> {
  if (!doubtful.has(rule)) return true
  const live = new LiveNamespace(remembered, binding.namespace, read)
  await live.readTargets(binding)
  const { findings, identity } = evaluate(binding, live.world)
  if (findings[0]?.rule !== rule) return false
  if (rule !== 'identityCollision' || identity?.collisionKey === undefined) return true
  const { collisionKey } = identity
  for (const { name } of live.world.holders(collisionKey)) {
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
 * Reads the objects that decide about a binding again and returns the world with them: its pool, its objective and,
 * if its container is contested, the other bindings that ask for it with their pools and objectives; also its
 * neighbours, if advice about them can refuse.
 */
export async function confirm(
  binding: Binding,
  remembered: IndexedWorld,
  read: ReadLive,
  { neighbours = false }: { readonly neighbours?: boolean } = {},
): Promise<World> {
  const live = new LiveNamespace(remembered, binding.namespace, read)
  const { world } = live
  await live.readTargets(binding)
  const { evaluation, stake } = foresee(binding, world)
  const { identity } = evaluation
  const keys = [...(identity?.collisionKey === undefined ? [] : [identity.collisionKey]), ...stake.latent]
  for (const key of keys) await readRivals(live, binding, world.possibleHolders(key), () => true)
  const { containerRef } = stake
  // A collision includes everything that a pending collision would say.
  if (containerRef !== undefined && !foresee(binding, world).findings.some(isCollision))
    await readRivals(
      live,
      binding,
      world.sharingContainer(containerRef),
      (peer) => waits(evaluation) || waits(evaluate(peer, world)),
    )
  if (neighbours && identity) await readNeighbours(live, binding, identity, remembered)
  return world
}

const isCollision = ({ rule }: Finding): boolean => rule === 'identityCollision'

/** Reads the bindings that collide by memory, until one is found that still does and is of the wanted kind. */
async function readRivals(
  live: LiveNamespace,
  binding: Binding,
  others: readonly Binding[],
  isWanted: (peer: Binding) => boolean,
): Promise<void> {
  const names = others.map(({ name }) => name).filter((name) => name !== binding.name)
  const unread = names.filter((name) => !live.world.speaksOf(name)).toSorted(byBytes)
  const isContesting = contestingTest(live, binding)
  for (let start = 0; start < unread.length; start += batch) {
    const peers = await Promise.all(unread.slice(start, start + batch).map((name) => live.readPeer(name)))
    if (peers.some((peer) => peer && isContesting(peer) && isWanted(peer))) return
  }
}

/**
 * Returns a test for peers that were read: whether a peer asks for the same container as the binding and is not the
 * binding under another name.
 */
function contestingTest({ world }: LiveNamespace, binding: Binding): (peer: Binding) => boolean {
  const { evaluation, stake } = foresee(binding, world)
  const held = evaluation.identity?.collisionKey
  const keys = [...(held === undefined ? [] : [held]), ...stake.latent]
  return (peer) => {
    const theirs = world.stakeOf(peer)
    const isContested =
      keys.some((key) => theirs.identity?.collisionKey === key || theirs.latent.includes(key)) ||
      (stake.containerRef !== undefined && stake.containerRef === theirs.containerRef)
    return isContested && isRival(binding, peer)
  }
}

/**
 * How another binding relates to a key that a binding is about to claim, by live reads of that other binding, its pool and
 * its objective.
 *
 * @param key as `keyToClaim` tells it
 */
export async function readContender(
  name: string,
  key: string,
  binding: Binding,
  remembered: IndexedWorld,
  read: ReadLive,
): Promise<ReadHolder> {
  const live = new LiveNamespace(remembered, binding.namespace, read)
  const other = await live.readPeer(name)
  if (!other) return { contender: 'none' }
  const { identity, latent, containerRef } = live.world.stakeOf(other)
  const hasKey = identity?.collisionKey === key || containerRef === key || latent.includes(key)
  return { contender: !hasKey ? 'none' : isRival(binding, other) ? 'rival' : 'renamed', version: other }
}

/** Reads the neighbours that advice may name, up to a number of each kind. */
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
  live.world.onlySetNeighbours()
}
