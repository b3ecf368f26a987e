import { appraise } from '../core/advice.ts'
import { bindingKey, decodeBinding, given, type Binding, type BindingKey } from '../core/binding.ts'
import { statusOf } from '../core/conditions.ts'
import type { ClusterSpiffeId } from '../core/clusterspiffeid.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Settings } from '../core/identity.ts'
import { Inventory, type Change } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import { planOf, refusedOutput, takenName, type Plan } from '../core/plan.ts'
import { bindingResource, type Resource } from '../core/resources.ts'
import { judge, type ActionOverrides, type Verdict } from '../core/verdict.ts'
import type { Manifest } from './manifests.ts'

/** What is known of one binding of the input: what admission says of it, and what the loop makes of it. */
export type Assessment = {
  readonly namespace: string
  readonly name: string
  readonly mode: unknown
  readonly verdict: Verdict
  readonly status: JsonObject
  readonly clusterSpiffeId: ClusterSpiffeId | undefined
}

type Given = {
  readonly settings: Settings
  readonly served: readonly Resource[]
  /** What the cluster holds already; nothing, where there is none. */
  readonly cluster: readonly Manifest[]
  readonly manifests: readonly Manifest[]
  readonly actions: ActionOverrides
  readonly now: Date
}

/**
 * Applies the bindings of the input one after the other, as to a cluster with the webhook, then looks at what
 * the loop would settle on if all of them had got in.
 */
export function assess(input: Given): readonly Assessment[] {
  const others = input.manifests.filter(({ resource }) => resource !== bindingResource)
  const bindings = input.manifests.filter(({ resource }) => resource === bindingResource)
  const admitted = inventoryOf(input, others)
  const settled = inventoryOf(input, [...others, ...bindings])
  return bindings.map((manifest) => {
    const binding = decodeBinding(manifest.object)
    const key = bindingKey(manifest.namespace, manifest.name)
    const before = admitted.binding(key)
    const earlier = before ? appraise(before, admitted).findings : []
    const verdict = judge(appraise(binding, admitted).findings, earlier, input.actions)
    if (verdict.verdict !== 'deny') admitted.apply(upserted(manifest))
    return { ...namesOf(binding), verdict, ...settle(key, settled, input.now) }
  })
}

/** What admission would say today of each binding that a cluster holds. */
export function audit(input: Omit<Given, 'manifests'>): readonly Assessment[] {
  const inventory = inventoryOf(input, [])
  return [...inventory.bindings()].map((binding) => ({
    ...namesOf(binding),
    verdict: judge(appraise(binding, inventory).findings, [], input.actions),
    ...settle(bindingKey(binding.namespace, binding.name), inventory, input.now),
  }))
}

function inventoryOf(
  { settings, served, cluster }: Omit<Given, 'manifests'>,
  manifests: readonly Manifest[],
): Inventory {
  const inventory = new Inventory(settings)
  for (const resource of served) inventory.apply({ kind: 'served', resource, served: true })
  for (const manifest of [...cluster, ...manifests]) inventory.apply(upserted(manifest))
  return inventory
}

const upserted = ({ resource, object }: Manifest): Change => ({ kind: 'upserted', resource, object })

const namesOf = ({ namespace, name, spec }: Binding): Pick<Assessment, 'namespace' | 'name' | 'mode'> => ({
  namespace,
  name,
  mode: given(spec.mode),
})

function settle(
  key: BindingKey,
  inventory: Inventory,
  now: Date,
): Pick<Assessment, 'status' | 'clusterSpiffeId'> {
  const binding = inventory.binding(key)
  if (!binding) throw new Error(`${key} was applied and is not there`)
  const { settings } = inventory
  const outcome = outcomeOf(key, planOf(binding, evaluate(binding, inventory), settings), inventory)
  const { generation, status: previous } = binding
  return {
    status: statusOf(outcome, { settings, generation, previous, now }),
    clusterSpiffeId: outcome.kind === 'ready' ? outcome.wanted : undefined,
  }
}

/** What the loop would come to, as far as the ClusterSPIFFEIDs that are known let it. */
function outcomeOf(key: BindingKey, plan: Plan, inventory: Inventory) {
  if (plan.kind === 'withdraw') return plan.outcome
  const { identity, wanted } = plan
  const { name } = wanted.metadata
  const there = inventory.output(name)
  return there && there.owner !== key
    ? refusedOutput(name, takenName(name))
    : { kind: 'ready' as const, identity, wanted, output: { name } }
}
