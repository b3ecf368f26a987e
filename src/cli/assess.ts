import { admit, findingsOn, isDenied, type Admission } from '../core/admit.ts'
import { bindingKey, given, type Binding, type BindingKey } from '../core/binding.ts'
import type { Change } from '../core/change.ts'
import type { ClusterSpiffeId } from '../core/clusterspiffeid.ts'
import { statusOf, type Failure } from '../core/conditions.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Settings } from '../core/identity.ts'
import { Inventory } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import { keptFormer, planOf, refusedOutput, staysDespite, takenName, type Plan } from '../core/plan.ts'
import type { AdmissionActions, ReferenceVerdict } from '../core/reference-verdict.ts'
import type { Remark } from '../core/remarks.ts'
import type { Resource } from '../core/resources.ts'
import {
  isSameHarm,
  judge,
  lenient,
  verdictOf,
  type ActionOverrides,
  type JudgedFinding,
  type Verdict,
} from '../core/verdict.ts'
import { hintsFrom, type Hint } from './hints.ts'
import type { Item, Manifest } from './manifests.ts'

/**
 * The assessment of one binding: the verdict of admission, and the status and ClusterSPIFFEID that the loop would write under
 * the configured settings. A former trust domain or class that the loop keeps for a binding of the cluster is not regarded,
 * because the check is about what the files ask for.
 */
export type Assessment = {
  readonly namespace: string
  readonly name: string
  readonly mode: unknown
  readonly deleting: boolean
  readonly verdict: Verdict
  readonly status: JsonObject
  readonly clusterSpiffeId: ClusterSpiffeId | undefined
  /** The ClusterSPIFFEIDs of the former operator that are kept although the binding fails. */
  readonly kept: readonly string[]
}

/** What the loop makes of a binding. */
export type Expected = Pick<Assessment, 'status' | 'clusterSpiffeId' | 'kept'>

/** One object of the input, and the answer of an API server with the webhook. */
export type Checked =
  | {
      readonly kind: 'binding'
      /** Undefined for an object that is from the cluster. */
      readonly item: Item | undefined
      readonly assessment: Assessment
      /** What the loop would write if all refused objects were absent; undefined for a refused object. */
      readonly willBe: Expected | undefined
      readonly hint: Hint
      /** What admission says beside the findings of the verdict. */
      readonly remarks: readonly Remark[]
    }
  | { readonly kind: 'reference'; readonly item: Item; readonly verdict: ReferenceVerdict }
  /** An object of a kind on which no binding depends, or that is not served; or a binding with an invalid name. */
  | { readonly kind: 'other'; readonly item: Item; readonly findings: readonly JudgedFinding[] }

type CheckInput = {
  readonly settings: Settings
  readonly served: readonly Resource[]
  /** The objects of the cluster; empty without a cluster. */
  readonly cluster: readonly Manifest[]
  readonly items: readonly Item[]
  readonly actions: AdmissionActions
  /** Namespaces whose label turns refusals into warnings. */
  readonly lenient: ReadonlySet<string>
  readonly now: Date
}

/**
 * Applies the objects of the input one after the other, as to a cluster with the webhook. Then works out what the
 * loop would write: once as if all objects had been admitted, and once without the refused ones.
 */
export function assess(input: CheckInput): readonly Checked[] {
  const { admitted, admissions } = admitAll(input)
  // Where admission denies nothing, it has taken in all objects, in their order.
  const isAllAdmitted = !admissions.some(({ admission }) => isDenied(admission))
  const settled = isAllAdmitted ? admitted : inventoryOf(input, manifestsOf(input.items))
  const accepted = admissions.filter((one) => !isRefusedOne(one))
  const isAllAccepted = accepted.length === admissions.length
  const left = isAllAccepted ? settled : inventoryOf(input, manifestsOf(accepted.map(({ item }) => item)))
  const hints = hintsFrom([...input.cluster, ...manifestsOf(input.items)])
  return admissions.map((one): Checked => {
    const { item, admission } = one
    if (admission.kind === 'reference') return { kind: 'reference', item, verdict: admission.verdict }
    if (admission.kind !== 'binding') return { kind: 'other', item, findings: [] }
    if (!isNamed(item)) return { kind: 'other', item, findings: admission.verdict.findings }
    const verdict = withoutAnswered(admission.verdict, admission.binding, admitted)
    const key = bindingKey(item.namespace, item.name)
    const expected = expectedOf(key, settled, input.now)
    const assessment = { ...namesOf(admission.binding), verdict, ...expected }
    const willBe = isRefusedOne(one) ? undefined : isAllAccepted ? expected : expectedOf(key, left, input.now)
    const { remarks } = admission
    return { kind: 'binding', item, assessment, willBe, hint: hints(admission.binding), remarks }
  })
}

/** Whether an object of the input is refused. */
export const isRefused = (input: CheckInput): boolean => admitAll(input).admissions.some(isRefusedOne)

const isRefusedOne = ({ item, admission }: Admitted): boolean => item.causes.length > 0 || isDenied(admission)

export const manifestsOf = (items: readonly Item[]): readonly Manifest[] =>
  items.filter(isNamed).flatMap(({ manifest }) => manifest ?? [])

/** An object with an invalid name can't exist, so nothing else sees it. */
const isNamed = ({ namespace, name }: Item): boolean => isDns1123Label(namespace) && isDns1123Subdomain(name)

type Admitted = { readonly item: Item; readonly admission: Admission }

type AdmittedAll = {
  /** The cluster with everything that was admitted. */
  readonly admitted: Inventory
  /** The admissions, one for each object, in the order of the input. */
  readonly admissions: readonly Admitted[]
}

/**
 * Admits the objects in order. An object that only its schema refuses counts as existing for the objects after it:
 * its author will mend it, and then the verdicts on the others are the ones that count.
 */
function admitAll(input: CheckInput): AdmittedAll {
  const admitted = inventoryOf(input, [])
  const admissions = input.items.map((item): Admitted => {
    const { manifest } = item
    if (!manifest) return { item, admission: { kind: 'unasked' } }
    const admission = admit(manifest, admitted, input.actions, !input.lenient.has(item.namespace))
    if (!isDenied(admission) && isNamed(item)) admitted.apply(upserted(manifest))
    return { item, admission }
  })
  return { admitted, admissions }
}

/** The verdict without warnings about missing objects that come later in the input. */
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

/** The verdicts of admission on the existing bindings of a cluster. */
export function audit(input: Omit<CheckInput, 'items'>): readonly Checked[] {
  const inventory = inventoryOf(input, [])
  const { now } = input
  const hints = hintsFrom(input.cluster)
  return [...inventory.bindings()].map((binding) => {
    const strict = assessed(binding, inventory, { overrides: input.actions.overrides, now })
    const isLenient = input.lenient.has(binding.namespace)
    const assessment = isLenient ? { ...strict, verdict: lenient(strict.verdict) } : strict
    return {
      kind: 'binding',
      item: undefined,
      assessment,
      willBe: undefined,
      hint: hints(binding),
      remarks: [],
    }
  })
}

/** The assessment of an existing binding. */
export const assessed = (
  binding: Binding,
  inventory: Inventory,
  { overrides, now }: { readonly overrides: ActionOverrides; readonly now: Date },
): Assessment => ({
  ...namesOf(binding),
  verdict: judge(findingsOn(binding, inventory), [], overrides),
  ...expectedOf(bindingKey(binding.namespace, binding.name), inventory, now),
})

/** The inventory of a cluster that also has these manifests. */
export function inventoryOf(
  { settings, served, cluster }: Pick<CheckInput, 'settings' | 'served' | 'cluster'>,
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

function expectedOf(key: BindingKey, inventory: Inventory, now: Date): Expected {
  const binding = inventory.binding(key)
  if (!binding) throw new Error(`${key} was applied and is not there`)
  const { generation, status: previous } = binding
  if (binding.deleting) return { status: previous, clusterSpiffeId: undefined, kept: [] }
  const { settings } = inventory
  const plan = planIn(inventory, binding)
  const kept = plan.kind === 'withdraw' ? keptNames(key, plan.outcome, inventory) : []
  const outcome = plan.kind === 'withdraw' ? keptFormer(plan.outcome, kept) : outcomeOf(key, plan, inventory)
  return {
    status: statusOf(outcome, { settings, generation, previous, now }),
    clusterSpiffeId: outcome.kind === 'ready' ? outcome.wanted : undefined,
    kept,
  }
}

const planIn = (inventory: Inventory, binding: Binding): Plan =>
  planOf(binding, evaluate(binding, inventory), inventory.settings)

/** The outcome of the loop for a binding that gives an identity, by the ClusterSPIFFEIDs that are known. */
function outcomeOf(
  key: BindingKey,
  { identity, wanted }: Extract<Plan, { kind: 'render' }>,
  inventory: Inventory,
) {
  const { name } = wanted.metadata
  const owner = ownerOf(name, inventory)
  return owner === key
    ? { kind: 'ready' as const, identity, wanted, output: { name } }
    : refusedOutput(name, takenName(name, { owner }))
}

/** The ClusterSPIFFEIDs of the former operator that stay although their binding fails. */
const keptNames = (key: BindingKey, outcome: Failure, inventory: Inventory): readonly string[] =>
  inventory
    .outputsOf(key)
    .filter((output) => staysDespite(outcome, output))
    .map(({ name }) => name)

/**
 * The binding that has the ClusterSPIFFEID of a name, or will have it: the first to render it. Undefined if the name belongs to
 * somebody else's.
 */
function ownerOf(name: string, inventory: Inventory): BindingKey | undefined {
  const there = inventory.output(name)
  if (there) return there.owner
  for (const binding of inOrder(inventory.wanting(name), inventory))
    if (planIn(inventory, binding).kind === 'render') return bindingKey(binding.namespace, binding.name)
  return undefined
}

/** Bindings in the order in which they came, also if their stakes have changed since. */
const inOrder = (some: readonly Binding[], inventory: Inventory): Iterable<Binding> =>
  some.length < 2 ? some : inventory.bindings().filter((one) => some.includes(one))
