import { findingsOn, isDenied, judgeWithPods } from '../core/admit.ts'
import { bindingKey, given, type Binding, type BindingKey } from '../core/binding.ts'
import type { ClusterSpiffeId, Output } from '../core/clusterspiffeid.ts'
import { statusOf, type Failure } from '../core/conditions.ts'
import { evaluate } from '../core/evaluate.ts'
import type { Inventory } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import { keptDespite, planOf, refusedOutput, staysDespite, takenName, type Plan } from '../core/plan.ts'
import type { ReferenceVerdict } from '../core/reference-verdict.ts'
import type { Remark } from '../core/remarks.ts'
import {
  judge,
  lenientButForTheSpec,
  type ActionOverrides,
  type JudgedFinding,
  type Verdict,
} from '../core/verdict.ts'
import { admitAll, inventoryOf, isRefusedOne, manifestsOf, type CheckInput } from './admissions.ts'
import { answeredIn } from './answered.ts'
import { hintsFrom, type Hint } from './hints.ts'
import type { Item } from './manifests.ts'
import { podAdviceOn } from './pods-seen.ts'

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
  /** The ClusterSPIFFEIDs that are kept although the binding fails. */
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
      /** Warnings of the review, for which an object of the input comes too late. They are no findings of the verdict. */
      readonly answered: readonly JudgedFinding[]
      /** What the loop would write if all refused objects were absent; undefined for a refused object. */
      readonly willBe: Expected | undefined
      readonly hint: Hint
      /** What admission says beside the findings of the verdict. */
      readonly remarks: readonly Remark[]
    }
  | { readonly kind: 'target'; readonly item: Item; readonly verdict: ReferenceVerdict }
  /** An object of a kind on which no binding depends, or that is not served; or a binding with an invalid name. */
  | { readonly kind: 'other'; readonly item: Item; readonly findings: readonly JudgedFinding[] }

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
  const answers = answeredIn(admissions, {
    admitted,
    inventoryWith: (manifests) => inventoryOf(input, manifests),
    overrides: input.actions.overrides,
  })
  return admissions.map((one): Checked => {
    const { item, admission } = one
    if (admission.kind === 'target') return { kind: 'target', item, verdict: admission.verdict }
    if (admission.kind !== 'binding') return { kind: 'other', item, findings: [] }
    if (!one.isNamed) return { kind: 'other', item, findings: admission.verdict.findings }
    const { verdict, answered } = answers.get(one) ?? { verdict: admission.verdict, answered: [] }
    const key = bindingKey(item.namespace, item.name)
    const expected = expectedOf(key, settled, input.now)
    const assessment = { ...namesOf(admission.binding), verdict, ...expected }
    const willBe = isRefusedOne(one) ? undefined : isAllAccepted ? expected : expectedOf(key, left, input.now)
    const { remarks } = admission
    const hint = hints(admission.binding, remarks)
    return { kind: 'binding', item, assessment, answered, willBe, hint, remarks }
  })
}

/** The verdicts of admission on the existing bindings of a cluster. */
export function audit(input: Omit<CheckInput, 'items'>): readonly Checked[] {
  const inventory = inventoryOf(input, [])
  const { now } = input
  const hints = hintsFrom(input.cluster)
  const podAdvice = podAdviceOn(input.pods, inventory)
  return [...inventory.bindings()].map((binding) => {
    const { overrides } = input.actions
    const alone = assessed(binding, inventory, { overrides, now })
    const { identity } = evaluate(binding, inventory)
    const present = identity && !binding.deleting ? { binding, identity } : undefined
    const strict = judgeWithPods(alone.verdict, present, { overrides, podAdvice })
    const verdict = input.lenient.has(binding.namespace) ? lenientButForTheSpec(strict) : strict
    const assessment = { ...alone, verdict }
    return {
      kind: 'binding',
      item: undefined,
      assessment,
      answered: [],
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
  const kept = plan.kind === 'withdraw' ? keptBy(binding, plan.outcome, inventory) : []
  const outcome = plan.kind === 'withdraw' ? keptDespite(plan.outcome, kept) : outcomeOf(key, plan, inventory)
  return {
    status: statusOf(outcome, { settings, generation, previous, now }),
    clusterSpiffeId: outcome.kind === 'ready' ? outcome.wanted : undefined,
    kept: kept.map(({ name }) => name),
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

/** The ClusterSPIFFEIDs that stay although their binding fails. */
const keptBy = (binding: Binding, outcome: Failure, inventory: Inventory): readonly Output[] =>
  inventory
    .outputsOf(bindingKey(binding.namespace, binding.name))
    .filter((output) => staysDespite(outcome, output, binding))

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
