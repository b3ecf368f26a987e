import type { BindingKey } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Unshown } from './unshown.ts'

/**
 * The ClusterSPIFFEIDs of other bindings beside which a binding's own may not be: those that give an identity to the same
 * container. The ones are included that the watch has not shown yet. This is the one place that says whose are rivals.
 */
export function rivalsOf(
  key: BindingKey,
  { collisionKey }: Identity,
  { inventory, unshown }: { readonly inventory: Inventory; readonly unshown: Unshown },
): readonly Output[] {
  if (collisionKey === undefined) return []
  return [...inventory.outputsHolding(collisionKey, key), ...unshown.holding(collisionKey, key)]
}
