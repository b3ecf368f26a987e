import type { Binding } from '../binding.ts'
import type { Check } from '../facts.ts'
import type { Finding } from '../findings.ts'
import { byBytes } from '../names.ts'
import { areOneRenamed } from '../rename.ts'

/** Bytes of a collision's message: a condition's message ends at 32,768. */
const longest = 30_000

export const keyIsFree: Check = ({ binding, world, identity }): Finding | undefined => {
  const key = identity?.collisionKey
  return key === undefined ? undefined : collisionOver(key, binding, world.holders(key))
}

/** Refuses a binding a collision key, for those among `others` that have it and are no other name of the binding. */
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

/** Whether two bindings that ask for the same container are in each other's way. */
export const isRival = (binding: Binding, other: Binding): boolean =>
  other.name !== binding.name && !areOneRenamed(binding, other)

/** A format that other tools parse. Peers are sorted; what is too long ends after a whole name. */
export function collisionMessage(peers: readonly string[]): string {
  const opening = 'identity collision with bindings '
  const ending = ': PerObjective bindings must not share the same pod selector and container name'
  let room = longest - opening.length - ending.length
  const named = peers.toSorted(byBytes).filter((name, index) => {
    room -= name.length + (index === 0 ? 0 : 2)
    return room >= 0
  })
  return opening + named.join(', ') + ending
}
