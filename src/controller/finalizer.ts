import { bindingKey, finalizer, type Binding } from '../core/binding.ts'
import type { Departures } from '../core/former.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'
import type { Outputs } from './output.ts'
import { retryOf, settled, wait, type RunResult } from './run-result.ts'
import { successorOf } from './successor.ts'

type Reach = {
  readonly inventory: Inventory
  readonly objects: Pick<Objects, 'mergePatch'>
  readonly outputs: Outputs
  readonly departures: Departures
}

export const hasFinalizer = ({ finalizers }: Binding): boolean => finalizers.includes(finalizer)

/** The finalizer is added before any output is created, so that a binding can't disappear while its output stays. */
export const addFinalizer = (binding: Binding, reach: Reach): Promise<RunResult> =>
  setFinalizers(binding, [...binding.finalizers, finalizer], reach)

/**
 * Deletes the outputs of a binding that is being deleted, then removes its finalizer. If another binding is about to
 * replace this one with the same identity, its output is awaited first.
 */
export async function finalize(binding: Binding, reach: Reach): Promise<RunResult> {
  const key = bindingKey(binding.namespace, binding.name)
  const successor = successorOf(binding, reach.inventory, reach.departures)
  if (successor) return wait(`${successor.name} replaces ${key} and has no ClusterSPIFFEID yet`)
  const withdrawn = await reach.outputs.withdraw(key, binding.status, 'its binding is being deleted')
  if (withdrawn.kind !== 'gone') return withdrawn.result
  if (!hasFinalizer(binding)) return settled
  const others = binding.finalizers.filter((name) => name !== finalizer)
  return setFinalizers(binding, others, reach)
}

async function setFinalizers(
  { namespace, name, resourceVersion }: Binding,
  finalizers: readonly string[],
  { objects }: Reach,
): Promise<RunResult> {
  const reply = await objects.mergePatch(
    bindingResource,
    { namespace, name },
    { metadata: { resourceVersion, finalizers } },
  )
  // The change arrives as a watch event of the binding, which reconciles the binding again.
  return reply.kind === 'done' || reply.kind === 'absent'
    ? settled
    : retryOf('changing the finalizers', reply)
}
