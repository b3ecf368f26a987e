import { bindingKey, finalizer, type Binding } from '../core/binding.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'
import { retryOf, settled, wait, type Result } from './outcome.ts'
import type { Outputs } from './output.ts'
import { successorOf } from './successor.ts'

type Reach = {
  readonly inventory: Inventory
  readonly objects: Pick<Objects, 'mergePatch'>
  readonly outputs: Outputs
}

export const hasFinalizer = ({ finalizers }: Binding): boolean => finalizers.includes(finalizer)

/** The finalizer comes before any output, so that no output outlives its binding unseen. */
export const addFinalizer = (binding: Binding, reach: Reach): Promise<Result> =>
  setFinalizers(binding, [...binding.finalizers, finalizer], reach)

/**
 * A binding that is being deleted takes its outputs along, and goes after them. It may do so at once, unless another
 * binding is about to give the same identity in its place.
 */
export async function letGo(binding: Binding, reach: Reach): Promise<Result> {
  const key = bindingKey(binding.namespace, binding.name)
  const successor = successorOf(binding, reach.inventory)
  if (successor) return wait(`${successor.name} replaces ${key} and has no ClusterSPIFFEID yet`)
  const withdrawn = await reach.outputs.withdraw(key, 'its binding is being deleted')
  if (withdrawn.kind === 'unfinished') return withdrawn.result
  if (!hasFinalizer(binding)) return settled
  const others = binding.finalizers.filter((name) => name !== finalizer)
  return setFinalizers(binding, others, reach)
}

async function setFinalizers(
  { namespace, name, resourceVersion }: Binding,
  finalizers: readonly string[],
  { objects }: Reach,
): Promise<Result> {
  const reply = await objects.mergePatch(
    bindingResource,
    { namespace, name },
    { metadata: { resourceVersion, finalizers } },
  )
  // What it changed comes back as an event of the binding and goes on from there.
  return reply.kind === 'done' || reply.kind === 'absent'
    ? settled
    : retryOf('changing the finalizers', reply)
}
