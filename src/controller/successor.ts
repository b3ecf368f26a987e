import { bindingKey, type Binding } from '../core/binding.ts'
import { render, givesSameIdentity } from '../core/clusterspiffeid.ts'
import { readyIn } from '../core/conditions.ts'
import { evaluate, identityOf } from '../core/evaluate.ts'
import type { Inventory } from '../core/inventory.ts'
import { areOneRenamed } from '../core/rename.ts'

/**
 * The binding that a deleted one waits for: one that says that it replaces it, for the same identity, and whose
 * ClusterSPIFFEID is still to come. Until then the workloads would have none. One that fails is waited for no longer.
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

/** Nothing is wrong with it, but its ClusterSPIFFEID was refused. */
function hasFailed({ status, generation }: Binding): boolean {
  const ready = readyIn(status)
  return ready?.status === 'False' && ready.observedGeneration === generation
}
