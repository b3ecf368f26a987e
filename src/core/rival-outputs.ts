import type { Binding } from './binding.ts'
import type { Output } from './clusterspiffeid.ts'
import type { Identity } from './identity.ts'
import type { Inventory } from './inventory.ts'
import { areOneRenamed } from './rename.ts'

/**
 * Whether an output of another binding that serves the same container must go before this binding's own may exist. That of a
 * binding which this one replaces under a new name may stay: SPIRE Controller Manager makes one entry of both ClusterSPIFFEIDs.
 */
export function isRivalOutput(
  { owner, spec }: Output,
  { binding, identity }: { readonly binding: Binding; readonly identity: Identity },
  inventory: Inventory,
): boolean {
  const other = owner === undefined ? undefined : inventory.binding(owner)
  return !(other && areOneRenamed(binding, other) && spec['spiffeIDTemplate'] === identity.spiffeId)
}
