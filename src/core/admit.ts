import { appraise } from './appraise.ts'
import { bindingKey, decodeBinding, type Binding } from './binding.ts'
import { finish, judgeChange } from './consequences.ts'
import type { Evaluation } from './evaluate.ts'
import type { Finding } from './findings.ts'
import type { IdentifiedBinding } from './overlap.ts'
import type { IndexedWorld } from './overlay.ts'
import { judgeConsequences, type AdmissionActions, type ReferenceVerdict } from './reference-verdict.ts'
import { remarksOn, type Remark } from './remarks.ts'
import { bindingResource, objectiveResources, poolResources, type Resource } from './resources.ts'
import { isOfTheSpec } from './spec-failures.ts'
import {
  judge,
  lenientButForTheSpec,
  newIn,
  verdictOf,
  type ActionOverrides,
  type Verdict,
} from './verdict.ts'
import { podFindingsOn } from './workloads.ts'

/** An object that is created or updated. */
export type AppliedObject = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly object: unknown
}

export type Admission =
  | {
      readonly kind: 'binding'
      readonly binding: Binding
      readonly verdict: Verdict
      readonly remarks: readonly Remark[]
    }
  | { readonly kind: 'target'; readonly verdict: ReferenceVerdict }
  /** Admission is not asked about objects of this kind. */
  | { readonly kind: 'unasked' }

/** What the pods that are there show of a binding; nothing if nobody has looked at them. */
export type PodAdvice = (one: IdentifiedBinding) => readonly Finding[]

const withoutLook: PodAdvice = () => []

/**
 * The answer of an API server with the webhook to one object, given the objects that exist. Pure: live reads and claims are left out,
 * because they only make up for what a replica does not know.
 *
 * @param mayDeny false in a namespace whose label asks the webhook for warnings only
 * @param podAdvice asked for a binding that is allowed
 */
export function admit(
  { resource, namespace, name, object }: AppliedObject,
  world: IndexedWorld,
  actions: AdmissionActions,
  mayDeny = true,
  podAdvice = withoutLook,
): Admission {
  if (resource === bindingResource) {
    const binding = decodeBinding(object)
    const before = world.binding(bindingKey(namespace, name))
    const past = before && !before.deleting ? appraise(before, world) : undefined
    const earlier = past?.findings ?? []
    if (binding.deleting)
      return { kind: 'binding', binding, verdict: ofTheSpec(binding, before, world), remarks: [] }
    const { findings, stake, evaluation } = appraise(binding, world)
    const { overrides } = actions
    const strict = judgeWithPods(judge(findings, earlier, overrides), identified(binding, evaluation), {
      before: before && past && identified(before, past.evaluation),
      earlier,
      overrides,
      podAdvice,
    })
    const verdict = mayDeny ? strict : lenientButForTheSpec(strict)
    const remarks = remarksOn(binding, { verdict, news: newIn(verdict, earlier), stake }, world)
    return { kind: 'binding', binding, verdict, remarks }
  }
  // If a kind is not served, no object of it exists.
  const isTarget = poolResources.includes(resource) || objectiveResources.includes(resource)
  if (!isTarget || !world.isServed(resource)) return { kind: 'unasked' }
  const consequences = finish(judgeChange({ resource, namespace, name, object }, world))
  return { kind: 'target', verdict: judgeConsequences(consequences, actions, mayDeny) }
}

/** The webhook does not judge a binding that is being deleted. The CustomResourceDefinition still judges the spec at each update of it. */
function ofTheSpec(binding: Binding, before: Binding | undefined, world: IndexedWorld): Verdict {
  const findingsOf = (one: Binding): readonly Finding[] =>
    appraise(one, world).findings.filter(({ rule }) => isOfTheSpec(rule))
  const { findings } = judge(findingsOf(binding), before ? findingsOf(before) : [], {})
  return verdictOf(findings.filter(({ action }) => action === 'deny'))
}

/**
 * The verdict on a binding with what the pods show of it. A refused one is not looked at: what refuses it has to be mended first.
 *
 * @param before the binding before the request
 */
export function judgeWithPods(
  verdict: Verdict,
  after: IdentifiedBinding | undefined,
  { before, earlier = [], overrides, podAdvice }: PodJudgement,
): Verdict {
  if (!after || verdict.verdict === 'deny') return verdict
  const seen = podFindingsOn(after, before, podAdvice)
  if (seen.found.length === 0) return verdict
  return judge([...verdict.findings, ...seen.found], [...earlier, ...seen.earlier], overrides)
}

type PodJudgement = {
  readonly before?: IdentifiedBinding | undefined
  readonly earlier?: readonly Finding[]
  readonly overrides: ActionOverrides
  readonly podAdvice: PodAdvice
}

const identified = (binding: Binding, { identity }: Evaluation): IdentifiedBinding | undefined =>
  identity && { binding, identity }

export const isDenied = (admission: Admission): boolean =>
  admission.kind !== 'unasked' && admission.verdict.verdict === 'deny'

/** A binding that is being deleted has no findings. */
export const findingsOn = (binding: Binding, world: IndexedWorld): readonly Finding[] =>
  binding.deleting ? [] : appraise(binding, world).findings
