import { bindingKey, type Binding } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { areOneRenamed } from '../core/rename.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'

/**
 * The ClusterSPIFFEIDs of other bindings that give another identity to the same container; the binding's own may not
 * exist beside them. Outputs that the watch has not shown yet are included. A binding that this one replaces under a
 * new name is no rival: SPIRE Controller Manager makes one entry of both ClusterSPIFFEIDs.
 */
export function rivalsOf(
  binding: Binding,
  { collisionKey, spiffeId }: Identity,
  { inventory, unshown }: { readonly inventory: Inventory; readonly unshown: UnshownOutputs },
): readonly Output[] {
  if (collisionKey === undefined) return []
  const key = bindingKey(binding.namespace, binding.name)
  const isOurs = ({ owner, spec }: Output): boolean => {
    const other = owner === undefined ? undefined : inventory.binding(owner)
    return other !== undefined && areOneRenamed(binding, other) && spec['spiffeIDTemplate'] === spiffeId
  }
  return [...inventory.outputsServing(collisionKey, key), ...unshown.serving(collisionKey, key)].filter(
    (output) => !isOurs(output),
  )
}
