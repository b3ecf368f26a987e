import { bindingKey, type Binding } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { areOneRenamed } from '../core/rename.ts'
import type { Unshown } from './unshown.ts'

/**
 * The ClusterSPIFFEIDs of other bindings beside which a binding's own may not be: those that give another identity to the
 * same container. The ones are included that the watch has not shown yet. A binding of which this is another name is no
 * rival: SPIRE Controller Manager makes one entry of both.
 */
export function rivalsOf(
  binding: Binding,
  { collisionKey, spiffeId }: Identity,
  { inventory, unshown }: { readonly inventory: Inventory; readonly unshown: Unshown },
): readonly Output[] {
  if (collisionKey === undefined) return []
  const key = bindingKey(binding.namespace, binding.name)
  const isOurs = ({ owner, spec }: Output): boolean => {
    const other = owner === undefined ? undefined : inventory.binding(owner)
    return other !== undefined && areOneRenamed(binding, other) && spec['spiffeIDTemplate'] === spiffeId
  }
  return [...inventory.outputsHolding(collisionKey, key), ...unshown.holding(collisionKey, key)].filter(
    (output) => !isOurs(output),
  )
}
