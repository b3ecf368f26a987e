import { bindingKey, type Binding } from '../core/binding.ts'
import type { Output } from '../core/clusterspiffeid.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { isRivalOutput } from '../core/rival-outputs.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'

/**
 * The ClusterSPIFFEIDs of other bindings that give another identity to the same container; the binding's own may not
 * exist beside them. Outputs that the watch has not shown yet are included.
 */
export function rivalsOf(
  binding: Binding,
  identity: Identity,
  { inventory, unshown }: { readonly inventory: Inventory; readonly unshown: UnshownOutputs },
): readonly Output[] {
  const { collisionKey } = identity
  if (collisionKey === undefined) return []
  const key = bindingKey(binding.namespace, binding.name)
  return [...inventory.outputsServing(collisionKey, key), ...unshown.serving(collisionKey, key)].filter(
    (output) => isRivalOutput(output, { binding, identity }, inventory),
  )
}
