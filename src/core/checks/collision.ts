import type { Check } from '../facts.ts'
import type { Finding } from '../findings.ts'
import { byBytes } from '../names.ts'

/** Bytes of a collision's message: a condition's message ends at 32,768. */
const longest = 30_000

export const keyIsFree: Check = ({ binding, world, identity }): Finding | undefined => {
  const key = identity?.collisionKey
  if (key === undefined) return undefined
  const peers = [...world.holders(key)].filter((name) => name !== binding.name)
  if (peers.length === 0) return undefined
  return {
    rule: 'identityCollision',
    field: 'spec.containerName',
    cause: 'Duplicate',
    value: binding.spec.containerName,
    message: collisionMessage(peers),
    collisionKey: key,
  }
}

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
