import { appraise } from '../core/advice.ts'
import { bindingKey, decodeBinding, given, type Binding, type BindingKey } from '../core/binding.ts'
import { statusOf } from '../core/conditions.ts'
import type { ClusterSpiffeId } from '../core/clusterspiffeid.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Finding } from '../core/findings.ts'
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
  readonly deleting: boolean
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
    const earlier = before ? findingsOn(before, admitted) : []
    const verdict = judge(findingsOn(binding, admitted), earlier, input.actions)
    if (verdict.verdict !== 'deny') admitted.apply(upserted(manifest))
    return { ...namesOf(binding), verdict, ...settle(key, settled, input.now) }
  })
}

/** What admission would say today of each binding that a cluster holds. */
export function audit(input: Omit<Given, 'manifests'>): readonly Assessment[] {
  const inventory = inventoryOf(input, [])
  return [...inventory.bindings()].map((binding) => assessed(binding, inventory, input))
}

/** What admission would say today of a binding that is there. */
export const assessed = (
  binding: Binding,
  inventory: Inventory,
  { actions, now }: Pick<Given, 'actions' | 'now'>,
): Assessment => ({
  ...namesOf(binding),
  verdict: judge(findingsOn(binding, inventory), [], actions),
  ...settle(bindingKey(binding.namespace, binding.name), inventory, now),
})

/** What is being deleted is past judging. */
const findingsOn = (binding: Binding, inventory: Inventory): readonly Finding[] =>
  binding.deleting ? [] : appraise(binding, inventory).findings

/** What is known of a cluster that has these manifests, too. */
export function inventoryOf(
  { settings, served, cluster }: Pick<Given, 'settings' | 'served' | 'cluster'>,
  manifests: readonly Manifest[],
): Inventory {
  const inventory = new Inventory(settings)
  for (const resource of served) inventory.apply({ kind: 'served', resource, served: true })
  for (const manifest of [...cluster, ...manifests]) inventory.apply(upserted(manifest))
  return inventory
}

const upserted = ({ resource, object }: Manifest): Change => ({ kind: 'upserted', resource, object })

const namesOf = ({
  namespace,
  name,
  spec,
  deleting,
}: Binding): Pick<Assessment, 'namespace' | 'name' | 'mode' | 'deleting'> => ({
  namespace,
  name,
  deleting,
  mode: given(spec.mode),
})

function settle(
  key: BindingKey,
  inventory: Inventory,
  now: Date,
): Pick<Assessment, 'status' | 'clusterSpiffeId'> {
  const binding = inventory.binding(key)
  if (!binding) throw new Error(`${key} was applied and is not there`)
  const { generation, status: previous } = binding
  if (binding.deleting) return { status: previous, clusterSpiffeId: undefined }
  const { settings } = inventory
  const outcome = outcomeOf(key, planIn(inventory, binding), inventory)
  return {
    status: statusOf(outcome, { settings, generation, previous, now }),
    clusterSpiffeId: outcome.kind === 'ready' ? outcome.wanted : undefined,
  }
}

const planIn = (inventory: Inventory, binding: Binding): Plan =>
  planOf(binding, evaluate(binding, inventory), inventory.settings)

/** What the loop would come to, as far as the ClusterSPIFFEIDs that are known let it. */
function outcomeOf(key: BindingKey, plan: Plan, inventory: Inventory) {
  if (plan.kind === 'withdraw') return plan.outcome
  const { identity, wanted } = plan
  const { name } = wanted.metadata
  return holderOf(name, inventory) === key
    ? { kind: 'ready' as const, identity, wanted, output: { name } }
    : refusedOutput(name, takenName(name), true)
}

/** Whose the ClusterSPIFFEID of a name is, or will be: the first to render it has it. */
function holderOf(name: string, inventory: Inventory): BindingKey | undefined {
  const there = inventory.output(name)
  if (there) return there.owner
  const first = inventory.wanting(name).find((binding) => planIn(inventory, binding).kind === 'render')
  return first && bindingKey(first.namespace, first.name)
}
