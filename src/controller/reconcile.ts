import { bindingKey, finalizer, type Binding, type BindingKey } from '../core/binding.ts'
import { says, type Outcome } from '../core/conditions.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Inventory } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import type { Objects } from '../core/objects.ts'
import { planOf, refusedOutput, type Plan } from '../core/plan.ts'
import { bindingResource } from '../core/resources.ts'
import { retryOf, settled, wait, type Result } from './outcome.ts'
import type { Outputs } from './output.ts'
import type { Statuses } from './statuses.ts'

/** All that one run touches. */
export type Reach = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly outputs: Outputs
  readonly statuses: Statuses
}

/** Brings one binding, its output and its status to what they should be. */
export async function reconcile(key: BindingKey, reach: Reach): Promise<Result> {
  const binding = reach.inventory.binding(key)
  if (!binding) {
    reach.statuses.forget(key)
    return removeOrphans(key, reach)
  }
  if (binding.deleting) return letGo(binding, reach)
  if (reach.statuses.isBehind(key, binding))
    return wait(`the cache has not seen the last status of ${key} yet`)
  if (!binding.finalizers.includes(finalizer)) return holdOn(binding, reach)
  const plan = planOf(binding, evaluate(binding, reach.inventory), reach.inventory.settings)
  const applied = await act(key, plan, binding.status, reach)
  if ('kind' in applied) return applied
  return (await reach.statuses.record(binding, applied.outcome)) ?? applied.next
}

type Applied = { readonly outcome: Outcome; readonly next: Result }

/** Sees to the output. A result instead of an outcome means that neither can be told yet. */
async function act(
  key: BindingKey,
  plan: Plan,
  status: JsonObject,
  { outputs }: Reach,
): Promise<Applied | Result> {
  if (plan.kind === 'withdraw')
    return (await outputs.withdraw(key)) ?? { outcome: plan.outcome, next: settled }
  const { identity, wanted } = plan
  const settlement = await outputs.settle(key, wanted, identity.collisionKey, says(status, identity))
  switch (settlement.kind) {
    case 'inPlace':
      return { outcome: { kind: 'ready', identity, output: settlement.output }, next: settled }
    case 'refused': {
      const outcome = refusedOutput(wanted.metadata.name, settlement.why)
      return { outcome, next: { kind: 'retry', why: outcome.message } }
    }
    case 'unfinished':
      return settlement.result
  }
}

/** The finalizer comes before any output, so that no output outlives its binding unseen. */
async function holdOn(binding: Binding, reach: Reach): Promise<Result> {
  return setFinalizers(binding, [...binding.finalizers, finalizer], reach)
}

async function letGo(binding: Binding, reach: Reach): Promise<Result> {
  const left = await reach.outputs.withdraw(bindingKey(binding.namespace, binding.name))
  if (left) return left
  if (!binding.finalizers.includes(finalizer)) return settled
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

/** What bears the annotation of a binding that is gone, and not only gone from the cache, serves nobody. */
async function removeOrphans(key: BindingKey, reach: Reach): Promise<Result> {
  if (!reach.outputs.mayHaveOrphansOf(key)) return settled
  const namespace = key.slice(0, key.indexOf('/'))
  const name = key.slice(namespace.length + 1)
  // An annotation may hold anything: of what can't be a name there is no binding to read, nor of a kind that is gone.
  const isReadable = isDns1123Label(namespace) && isDns1123Subdomain(name)
  if (isReadable && reach.inventory.isServed(bindingResource)) {
    const reply = await reach.objects.get(bindingResource, { namespace, name })
    if (reply.kind === 'done') return wait(`the cache has not seen ${key} yet`)
    if (reply.kind !== 'absent') return retryOf(`reading ${key}`, reply)
  }
  return (await reach.outputs.removeOrphans(key)) ?? settled
}
