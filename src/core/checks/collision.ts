import type { Binding } from '../binding.ts'
import type { Check } from '../facts.ts'
import type { Finding } from '../findings.ts'
import { byBytes } from '../names.ts'
import { areOneRenamed } from '../rename.ts'

/** The longest message of a collision, in bytes. A condition's message may have 32,768. */
const longestMessageBytes = 30_000

export const keyIsFree: Check = ({ binding, world, identity }): Finding | undefined => {
  const key = identity?.collisionKey
  return key === undefined ? undefined : collisionOver(key, binding, world.holders(key))
}

/**
 * The failure of a binding whose collision key some of `others` have. Bindings that it replaces, or that replace it,
 * do not count.
 */
export function collisionOver(
  collisionKey: string,
  binding: Binding,
  others: Iterable<Binding>,
): Finding | undefined {
  const peers = new Set<string>()
  for (const other of others) if (isRival(binding, other)) peers.add(other.name)
  if (peers.size === 0) return undefined
  return {
    rule: 'identityCollision',
    field: 'spec.containerName',
    cause: 'Duplicate',
    value: binding.spec.containerName,
    message: collisionMessage([...peers]),
    collisionKey,
  }
}

/** Whether two bindings that ask for the same container collide. */
export const isRival = (binding: Binding, other: Binding): boolean =>
  other.name !== binding.name && !areOneRenamed(binding, other)

/**
 * Other tools parse this message, so its format is fixed. Peers are sorted; a message that would be too long is cut
 * after a whole name.
 */
export function collisionMessage(peers: readonly string[]): string {
  const opening = 'identity collision with bindings '
  const ending = ': PerObjective bindings must not share the same pod selector and container name'
  let room = longestMessageBytes - opening.length - ending.length
  const named = peers.toSorted(byBytes).filter((name, index) => {
    room -= name.length + (index === 0 ? 0 : 2)
    return room >= 0
  })
  return opening + named.join(', ') + ending
}
