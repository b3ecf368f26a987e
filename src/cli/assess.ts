import { admit, findingsOn, isDenied, type Admission } from '../core/admit.ts'
import { bindingKey, given, type Binding, type BindingKey } from '../core/binding.ts'
import { statusOf } from '../core/conditions.ts'
import type { ClusterSpiffeId } from '../core/clusterspiffeid.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Settings } from '../core/identity.ts'
import { Inventory, type Change } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import { planOf, refusedOutput, takenName, type Plan } from '../core/plan.ts'
import type { AdmissionActions, ReferenceVerdict } from '../core/reference-verdict.ts'
import type { Resource } from '../core/resources.ts'
import {
  isSameHarm,
  judge,
  verdictOf,
  type ActionOverrides,
  type JudgedFinding,
  type Verdict,
} from '../core/verdict.ts'
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

/** What admission says of a pool or an objective of the input, by what it does to bindings that are there before it. */
export type ReferenceAssessment = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly verdict: ReferenceVerdict
}

type Given = {
  readonly settings: Settings
  readonly served: readonly Resource[]
  /** What the cluster holds already; nothing, where there is none. */
  readonly cluster: readonly Manifest[]
  readonly manifests: readonly Manifest[]
  readonly actions: AdmissionActions
  readonly now: Date
}

export type Assessments = {
  readonly bindings: readonly Assessment[]
  readonly references: readonly ReferenceAssessment[]
}

/**
 * Applies the input one after the other, as to a cluster with the webhook, then looks at what the loop would settle on
 * if all of it had got in.
 */
export function assess(input: Given): Assessments {
  const { admitted, admissions } = admitAll(input)
  const settled = inventoryOf(input, input.manifests)
  const bindings: Assessment[] = []
  const references: ReferenceAssessment[] = []
  for (const { manifest, admission } of admissions) {
    const { resource, namespace, name } = manifest
    if (admission.kind === 'reference')
      references.push({ resource, namespace, name, verdict: admission.verdict })
    if (admission.kind !== 'binding') continue
    const verdict = withoutAnswered(admission.verdict, admission.binding, admitted)
    const later = settle(bindingKey(namespace, name), settled, input.now)
    bindings.push({ ...namesOf(admission.binding), verdict, ...later })
  }
  return { bindings, references }
}

/** Whether admission refuses something of the input. */
export const isRefused = (input: Given): boolean =>
  admitAll(input).admissions.some(({ admission }) => isDenied(admission))

type AdmittedAll = {
  /** What has got in. */
  readonly admitted: Inventory
  /** One for each manifest, in their order. */
  readonly admissions: readonly { readonly manifest: Manifest; readonly admission: Admission }[]
}

function admitAll(input: Given): AdmittedAll {
  const admitted = inventoryOf(input, [])
  const admissions = input.manifests.map((manifest) => {
    const admission = admit(manifest, admitted, input.actions)
    if (!isDenied(admission)) admitted.apply(upserted(manifest))
    return { manifest, admission }
  })
  return { admitted, admissions }
}

/** Without warnings that something is missing which came later in the same input. */
function withoutAnswered(verdict: Verdict, binding: Binding, admitted: Inventory): Verdict {
  const missing = verdict.findings.filter(isMissing)
  if (missing.length === 0) return verdict
  const still = findingsOn(binding, admitted)
  const findings = verdict.findings.filter(
    (one) => !isMissing(one) || still.some((later) => isSameHarm(later, one)),
  )
  return verdictOf(findings)
}

const isMissing = ({ action, cause }: JudgedFinding): boolean => action === 'warn' && cause === 'NotFound'

/** What admission would say today of each binding that a cluster holds. */
export function audit(input: Omit<Given, 'manifests'>): readonly Assessment[] {
  const inventory = inventoryOf(input, [])
  return [...inventory.bindings()].map((binding) =>
    assessed(binding, inventory, { overrides: input.actions.overrides, now: input.now }),
  )
}

/** What admission would say today of a binding that is there. */
export const assessed = (
  binding: Binding,
  inventory: Inventory,
  { overrides, now }: { readonly overrides: ActionOverrides; readonly now: Date },
): Assessment => ({
  ...namesOf(binding),
  verdict: judge(findingsOn(binding, inventory), [], overrides),
  ...settle(bindingKey(binding.namespace, binding.name), inventory, now),
})

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
