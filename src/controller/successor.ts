import { bindingKey, type Binding } from '../core/binding.ts'
import { render, givesSameIdentity } from '../core/clusterspiffeid.ts'
import { readyIn } from '../core/conditions.ts'
import { evaluate } from '../core/evaluate.ts'
import { inTrustDomain, settingsOf, type Departures } from '../core/former.ts'
import type { Inventory } from '../core/inventory.ts'
import { areOneRenamed } from '../core/rename.ts'

/**
 * The binding that a deleted binding waits for: it is annotated to replace the deleted one, wants the identity that the
 * outputs of the deleted one give, and has no ClusterSPIFFEID yet. Deleting the old output before the new one exists
 * would leave the workloads without an identity. A successor that has failed is not waited for, and neither is one that
 * wants another identity, as where the former trust domain may be left: it waits for the old output to go.
 */
export function successorOf(
  binding: Binding,
  inventory: Inventory,
  departures: Departures,
): Binding | undefined {
  const key = bindingKey(binding.namespace, binding.name)
  const outputs = inventory.outputsOf(key)
  if (outputs.length === 0) return undefined
  return inventory.replacing(key).find((other) => {
    const { findings, identity } = evaluate(other, inventory)
    if (other.deleting || !identity || findings.length > 0 || hasFailed(other)) return false
    const settings = settingsOf(other, identity, inventory, departures)
    const wanted = render(other, inTrustDomain(identity, settings.trustDomain), settings)
    if (!areOneRenamed(binding, other) || !outputs.every((output) => givesSameIdentity(output, wanted)))
      return false
    const theirs = inventory.outputsOf(bindingKey(other.namespace, other.name))
    return !theirs.some((output) => !output.deleting && givesSameIdentity(output, wanted))
  })
}

/** True if a valid binding is not Ready: its ClusterSPIFFEID was refused. */
function hasFailed({ status, generation }: Binding): boolean {
  const ready = readyIn(status)
  return ready?.status === 'False' && ready.observedGeneration === generation
}
