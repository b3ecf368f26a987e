import { bindingKey, type Binding } from '../core/binding.ts'
import { render, givesSameIdentity } from '../core/clusterspiffeid.ts'
import { readyIn } from '../core/conditions.ts'
import { evaluate, identityOf } from '../core/evaluate.ts'
import type { Inventory } from '../core/inventory.ts'
import { areOneRenamed } from '../core/rename.ts'

/**
 * The binding that a deleted binding waits for: it is annotated to replace the deleted one, stands for the same
 * identity, and has no ClusterSPIFFEID yet. Deleting the old output before the new one exists would leave the
 * workloads without an identity. A successor that has failed is not waited for.
 */
export function successorOf(binding: Binding, inventory: Inventory): Binding | undefined {
  const key = bindingKey(binding.namespace, binding.name)
  const identity = identityOf(binding, inventory)
  if (!identity || inventory.outputsOf(key).length === 0) return undefined
  const wanted = render(binding, identity, inventory.settings)
  return inventory.replacing(key).find((other) => {
    const { findings, identity: theirs } = evaluate(other, inventory)
    const isSame =
      theirs !== undefined &&
      areOneRenamed(binding, other) &&
      givesSameIdentity(render(other, theirs, inventory.settings), wanted)
    if (other.deleting || findings.length > 0 || !isSame || hasFailed(other)) return false
    const outputs = inventory.outputsOf(bindingKey(other.namespace, other.name))
    return !outputs.some((output) => !output.deleting && givesSameIdentity(output, wanted))
  })
}

/** True if a valid binding is not Ready: its ClusterSPIFFEID was refused. */
function hasFailed({ status, generation }: Binding): boolean {
  const ready = readyIn(status)
  return ready?.status === 'False' && ready.observedGeneration === generation
}
