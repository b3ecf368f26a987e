import { appraise, isAdvice, type Appraisal } from '../core/advice.ts'
import { decodeBinding, finalizer, isSameSpec, type Binding } from '../core/binding.ts'
import { collisionMessage } from '../core/checks/collision.ts'
import type { Evaluation } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import { causeWords, explain, rules, type Cause, type Finding } from '../core/findings.ts'
import type { Standing } from '../core/overlap.ts'
import { bindingResource } from '../core/resources.ts'
import { judge, type ActionOverrides, type JudgedFinding, type Verdict } from '../core/verdict.ts'
import { workloadRules } from '../core/workloads.ts'
import type { AdmissionRequest, AdmissionResponse, StatusCause } from './admission-review.ts'
import { confirm, holdsLive, needsConfirmation, type ReadLive } from './confirm.ts'
import type { Reservations, Reserved } from './reservations.ts'
import { nothingSeen, type LookAtPods, type Seen } from './workloads.ts'

type Reach = {
  readonly world: World
  /** The signal ends a read when the API server no longer waits for the review. */
  readonly read: (signal: AbortSignal) => ReadLive
  readonly actions: ActionOverrides
  readonly reserve: Reservations['reserve']
  readonly lookAtPods: LookAtPods
  /** Told of each decision, for the log and the metrics. */
  readonly observe: (request: AdmissionRequest, verdict: Verdict) => void
}

/** Decides about one request; the deadline is the API server's. */
type Review = (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>

/**
 * The validating webhook, which is the authority: it sees the object as it will be stored. It allows from
 * memory and never denies on memory alone.
 */
export const validating =
  (reach: Reach): Review =>
  async (request, signal) => {
    const decision = await settle(request, await decide(request, reach, signal), reach, signal)
    const { evaluation, verdict } = decision
    reach.observe(request, verdict)
    return verdict.verdict === 'deny'
      ? denied(request, decision)
      : {
          kind: 'allowed',
          warnings: warningsOf(decision),
          auditAnnotations: notes(evaluation, verdict),
          patch: [],
        }
  }

/**
 * The mutating webhook runs before the CRD's own validation, so that its denial shows everything that is wrong
 * at once. Allowed, it leaves the word to the validating one and only saves the loop the write of a finalizer.
 */
export const mutating =
  (reach: Reach): Review =>
  async (request, signal) => {
    const decision = await decide(request, reach, signal)
    const { binding, verdict } = decision
    if (verdict.verdict === 'deny') {
      reach.observe(request, verdict)
      return denied(request, decision)
    }
    const patch = request.operation === 'CREATE' ? finalizerPatch(binding) : []
    return { kind: 'allowed', warnings: [], auditAnnotations: {}, patch }
  }

type Decision = {
  readonly binding: Binding
  /** The collision key that the binding had before the request, if any. */
  readonly heldKey: string | undefined
  /** What was wrong before the request. */
  readonly earlier: readonly Finding[]
  readonly evaluation: Evaluation
  readonly verdict: Verdict
  /** What the binding stood for before the request. */
  readonly before?: Standing | undefined
  /** What there is to know beside the findings. */
  readonly remark?: string | undefined
}

async function decide(request: AdmissionRequest, reach: Reach, signal: AbortSignal): Promise<Decision> {
  const binding = bindingIn(request.object, request)
  const before = request.operation === 'UPDATE' ? bindingIn(request.oldObject, request) : undefined
  if (!concerns(request, binding, before))
    return { binding, heldKey: undefined, earlier: [], evaluation: nothing, verdict: judge([], [], {}) }
  const verdictIn = (world: World) => {
    const { evaluation, findings } = appraise(binding, world)
    const earlier = before ? appraise(before, world) : untouched
    const heldKey = earlier.evaluation.identity?.collisionKey
    const verdict = judge(findings, earlier.findings, reach.actions)
    const stood = earlier.evaluation.identity
    const standing = before && stood && { binding: before, identity: stood }
    return { binding, heldKey, earlier: earlier.findings, evaluation, verdict, before: standing }
  }
  const remembered = verdictIn(reach.world)
  const neighbours = remembered.verdict.findings.some((one) => one.action === 'deny' && isAdvice(one))
  if (!neighbours && !needsConfirmation(remembered.verdict.findings)) return remembered
  return verdictIn(await confirm(binding, reach.world, reach.read(signal), { neighbours }))
}

/**
 * What takes a call: the look at the pods of a binding that is allowed, and the claim on its key. Both at once, unless
 * what the pods show may refuse: nothing is claimed for what is refused.
 */
async function settle(
  request: AdmissionRequest,
  decision: Decision,
  reach: Reach,
  signal: AbortSignal,
): Promise<Decision> {
  const { binding, before, verdict } = decision
  const { identity } = decision.evaluation
  const isLooked = identity && verdict.verdict !== 'deny'
  const looking = isLooked ? reach.lookAtPods({ binding, identity }, before, signal) : nothingSeen
  const claim = (one: Decision): Promise<Decision> => reserveKey(request, one, reach, signal)
  const mayRefuse = workloadRules.some((rule) => reach.actions[rules[rule].reason] === 'deny')
  if (mayRefuse) return claim(withAdvice(decision, await looking, reach))
  const [reserved, seen] = await Promise.all([claim(decision), looking])
  return withAdvice(reserved, seen, reach)
}

function withAdvice(decision: Decision, { found, earlier }: Seen, { actions }: Reach): Decision {
  const { verdict } = decision
  if (verdict.verdict === 'deny' || found.length === 0) return decision
  const known = [...decision.earlier, ...earlier]
  return { ...decision, earlier: known, verdict: judge([...verdict.findings, ...found], known, actions) }
}

/** Two requests at once, here or on two replicas, must not both be allowed one collision key. */
async function reserveKey(
  request: AdmissionRequest,
  decision: Decision,
  { world, read, reserve, actions }: Reach,
  signal: AbortSignal,
): Promise<Decision> {
  const { binding, heldKey, earlier, evaluation, verdict } = decision
  const key = evaluation.identity?.collisionKey
  const isContested = verdict.findings.some(({ rule }) => rule === 'identityCollision')
  if (key === undefined || key === heldKey || isContested || verdict.verdict === 'deny' || request.dryRun)
    return decision
  const { namespace, name, uid } = binding
  const holds = ({ name: other }: { readonly name: string }): Promise<boolean> =>
    holdsLive({ namespace, name: other }, key, world, read(signal))
  const reserved = await reserve(key, { namespace, name, uid }, holds, signal)
  if (reserved.kind === 'reserved') return decision
  const collision = collisionWith(binding, key, reserved)
  const judged = judge([collision, ...verdict.findings], earlier, actions)
  const isSaid = judged.findings.some((one) => one.rule === collision.rule && isHeard(one))
  const remark = reserved.pending && isSaid ? pendingWords(reserved.by.name) : undefined
  return { ...decision, verdict: judged, remark }
}

const collisionWith = (
  { spec }: Binding,
  collisionKey: string,
  { by }: Extract<Reserved, { kind: 'taken' }>,
): Finding => ({
  rule: 'identityCollision',
  field: 'spec.containerName',
  cause: 'Duplicate',
  value: spec.containerName,
  message: collisionMessage([by.name]),
  collisionKey,
})

/** Not in the message of the collision, which other tools parse. */
const pendingWords = (name: string): string =>
  `spec.containerName: ${name} is being admitted this moment, or was: try again in a minute`

const nothing: Evaluation = { findings: [], identity: undefined }

const untouched: Appraisal = { evaluation: nothing, findings: [] }

/** Whether the request could do harm. What is being deleted holds no key, and only a spec can be wrong. */
const concerns = (request: AdmissionRequest, binding: Binding, before: Binding | undefined): boolean =>
  request.group === bindingResource.group &&
  request.resource === bindingResource.plural &&
  request.subresource === '' &&
  (request.operation === 'CREATE' || request.operation === 'UPDATE') &&
  !binding.deleting &&
  !(before && isSameSpec(before, binding))

/** The request knows best where the object is: before it is stored, its metadata may not say. */
const bindingIn = (object: unknown, { namespace, name }: AdmissionRequest): Binding => {
  const binding = decodeBinding(object)
  return { ...binding, namespace, name: name === '' ? binding.name : name }
}

function finalizerPatch({ finalizers }: Binding): readonly unknown[] {
  if (finalizers.includes(finalizer)) return []
  return finalizers.length === 0
    ? [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }]
    : [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }]
}

function denied(request: AdmissionRequest, decision: Decision): AdmissionResponse {
  const { evaluation, verdict } = decision
  const { kind, group } = bindingResource
  const refusals = verdict.findings.filter(({ action }) => action === 'deny')
  const name = request.name || bindingIn(request.object, request).name
  const lines = refusals.map((finding) => `* ${lineOf(finding)}`)
  return {
    kind: 'denied',
    warnings: warningsOf(decision),
    auditAnnotations: notes(evaluation, verdict),
    status: {
      code: 422,
      reason: 'Invalid',
      message: `The ${kind} "${name}" is invalid:\n${lines.join('\n')}`,
      details: { name, group, kind, causes: refusals.map(causeOf) },
    },
  }
}

const wordsOf = (finding: Finding): string => `${causeWords(finding)}: ${explain(finding)}`

/** As kubectl prints a cause. */
const lineOf = (finding: Finding): string => `${finding.field}: ${wordsOf(finding)}`

const causeOf = (finding: Finding): StatusCause => ({
  reason: causeReasons[finding.cause],
  field: finding.field,
  message: wordsOf(finding),
})

/** metav1.CauseType, in k8s.io/apimachinery/pkg/apis/meta/v1. */
const causeReasons = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  Forbidden: 'FieldValueForbidden',
  Duplicate: 'FieldValueDuplicate',
  NotFound: 'FieldValueNotFound',
} as const satisfies Record<Cause, string>

const warningsOf = ({ verdict, remark }: Decision): readonly string[] => [
  ...verdict.findings.filter(({ action }) => action === 'warn').map(lineOf),
  ...(remark === undefined ? [] : [remark]),
]

/** What the audit log keeps of a decision; the API server puts the webhook's name before each key. */
function notes({ identity }: Evaluation, { verdict, findings }: Verdict): Readonly<Record<string, string>> {
  const reasons = findings.filter(isHeard).map(({ rule }) => rules[rule].reason)
  return {
    decision: verdict,
    ...(reasons.length > 0 && { reasons: [...new Set(reasons)].join(',') }),
    ...(identity && { 'spiffe-id': identity.spiffeId }),
    ...(identity?.collisionKey !== undefined && { 'collision-key': identity.collisionKey }),
  }
}

const isHeard = ({ action }: JudgedFinding): boolean => action !== 'ignore'
