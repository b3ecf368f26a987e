import { bindingKey, finalizer, type Binding, type BindingKey } from '../core/binding.ts'
import { isSameStatus, statusOf, type Outcome } from '../core/conditions.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Inventory } from '../core/inventory.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import type { Objects } from '../core/objects.ts'
import { planOf, refusedOutput, type Plan } from '../core/plan.ts'
import { bindingResource } from '../core/resources.ts'
import { eventResource, eventsOf } from './events.ts'
import { retryOf, settled, wait, type Result } from './outcome.ts'
import type { Outputs } from './output.ts'

/** All that one run touches. */
export type Reach = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly outputs: Outputs
  readonly now: () => Date
  /** Who reports events: the pod's name. */
  readonly instance: string
  /** Told of every outcome that was written to a status. */
  readonly observe: (binding: Binding, outcome: Outcome) => void
  readonly warn: (fields: object, message: string) => void
}

/** Brings one binding, its output and its status to what they should be. */
export async function reconcile(key: BindingKey, reach: Reach): Promise<Result> {
  const binding = reach.inventory.binding(key)
  if (!binding) return removeOrphans(key, reach)
  if (binding.deleting) return letGo(binding, reach)
  if (!binding.finalizers.includes(finalizer)) return holdOn(binding, reach)
  const plan = planOf(binding, evaluate(binding, reach.inventory), reach.inventory.settings)
  const applied = await act(key, plan, reach)
  return 'kind' in applied ? applied : record(binding, applied, reach)
}

type Applied = { readonly outcome: Outcome; readonly next: Result }

/** Sees to the output. A result instead of an outcome means that neither can be told yet. */
async function act(key: BindingKey, plan: Plan, { outputs }: Reach): Promise<Applied | Result> {
  if (plan.kind === 'withdraw')
    return (await outputs.withdraw(key)) ?? { outcome: plan.outcome, next: settled }
  const { identity, wanted } = plan
  const settlement = await outputs.settle(key, wanted, identity.collisionKey)
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

/** Says the outcome in the status, and before that, where it is news, in events. */
async function record(binding: Binding, { outcome, next }: Applied, reach: Reach): Promise<Result> {
  const { objects, inventory } = reach
  const now = reach.now()
  const status = statusOf(outcome, {
    settings: inventory.settings,
    generation: binding.generation,
    previous: binding.status,
    now,
  })
  if (!isSameStatus(status, binding.status)) {
    for (const event of eventsOf(binding, outcome, now, reach.instance)) {
      const reply = await objects.create(eventResource, event)
      if (reply.kind === 'failed') return retryOf('posting an event', reply)
      if (reply.kind === 'refused') reach.warn({ event, refusal: reply.message }, 'an event was refused')
    }
    const { namespace, name, uid, resourceVersion } = binding
    const reply = await objects.replaceStatus(bindingResource, {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      metadata: { namespace, name, uid, resourceVersion },
      status,
    })
    // Gone, or changed since: its own event brings the key back.
    if (reply.kind === 'absent') return settled
    if (reply.kind !== 'done') return retryOf('writing the status', reply)
    reach.observe(binding, outcome)
  }
  return next
}

/** The finalizer comes before any output, so that no output outlives its binding unseen. */
async function holdOn(binding: Binding, reach: Reach): Promise<Result> {
  return setFinalizers(binding, [...binding.finalizers, finalizer], reach)
}

async function letGo(binding: Binding, reach: Reach): Promise<Result> {
  if (!binding.finalizers.includes(finalizer)) return settled
  const left = await reach.outputs.withdraw(bindingKey(binding.namespace, binding.name))
  if (left) return left
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
  if (reach.outputs.orphansOf(key).length === 0) return settled
  const namespace = key.slice(0, key.indexOf('/'))
  const name = key.slice(namespace.length + 1)
  // An annotation may hold anything; of what can't be a name there is no binding to read.
  if (isDns1123Label(namespace) && isDns1123Subdomain(name)) {
    const reply = await reach.objects.get(bindingResource, { namespace, name })
    if (reply.kind === 'done') return wait(`the cache has not seen ${key} yet`)
    if (reply.kind !== 'absent') return retryOf(`reading ${key}`, reply)
  }
  return (await reach.outputs.removeOrphans(key)) ?? settled
}
