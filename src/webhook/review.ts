import { isAdvice } from '../core/advice.ts'
import { appraise, keyToClaim, pendingOver, type Appraisal } from '../core/appraise.ts'
import { decodeBinding, finalizer, isWrittenAlike, type Binding } from '../core/binding.ts'
import { collisionMessage } from '../core/checks/collision.ts'
import { noStake } from '../core/evaluate.ts'
import type { World } from '../core/facts.ts'
import { rules, type Finding } from '../core/findings.ts'
import type { IdentifiedBinding } from '../core/overlap.ts'
import type { IndexedWorld } from '../core/overlay.ts'
import { collisionAdvice, remarksOn } from '../core/remarks.ts'
import { bindingResource } from '../core/resources.ts'
import { judge, lenient, newIn, type ActionOverrides, type Verdict } from '../core/verdict.ts'
import { workloadRules, type PodFindings } from '../core/workloads.ts'
import type { AdmissionRequest } from './admission-review.ts'
import type { Holder } from './claim.ts'
import { confirm, needsConfirmation, readContender } from './confirm.ts'
import { allowed, denied, isReported, type Decision } from './decision.ts'
import type { Review } from './http-routes.ts'
import type { ReadLive } from './live.ts'
import type { Reservations, Reserved } from './reservations.ts'
import { withNotices } from './warnings.ts'
import { nothingSeen, type LookAtPods } from './workloads.ts'

type Reach = {
  readonly world: IndexedWorld
  /** The signal ends a read when the API server no longer waits for the review. */
  readonly read: (signal: AbortSignal) => ReadLive
  readonly actions: ActionOverrides
  readonly reserve: Reservations['reserve']
  /** Whether the label of a namespace turns refusals into warnings; only asked before a refusal. */
  readonly isLenient: (namespace: string, signal: AbortSignal) => Promise<boolean>
  readonly lookAtPods: LookAtPods
  /** Warnings that are part of every answer. */
  readonly notices: () => readonly string[]
  /** Called with each decision of /validate, and with the denials of /mutate, which comes before it. */
  readonly observe: (request: AdmissionRequest, verdict: Verdict) => void
}

/**
 * The validating webhook, which has the last word, because it sees the object as it will be stored. It allows by
 * memory, and denies only after live reads.
 */
export const validating =
  (reach: Reach): Review =>
  async (request, signal) => {
    const decided = await lookAndClaim(request, await decide(request, reach, signal), reach, signal)
    const decision = remarked(await softened(request, decided, reach, signal))
    reach.observe(request, decision.verdict)
    const response = decision.verdict.verdict === 'deny' ? denied(request, decision) : allowed(decision)
    return withNotices(response, reach.notices())
  }

/**
 * The mutating webhook runs before the CRD's own validation, so that its denial shows everything that is wrong at
 * once. If it allows, the validating webhook still decides; this one only adds the finalizer, which saves the loop a
 * write.
 */
export const mutating =
  (reach: Reach): Review =>
  async (request, signal) => {
    const decided = await softened(request, await decide(request, reach, signal), reach, signal)
    if (decided.verdict.verdict === 'deny') {
      reach.observe(request, decided.verdict)
      return withNotices(denied(request, remarked(decided)), reach.notices())
    }
    const patch = request.operation === 'CREATE' ? finalizerPatch(decided.binding) : []
    return {
      kind: 'allowed',
      warnings: [],
      auditAnnotations: {},
      end: { decision: 'allow', reason: undefined },
      patch,
    }
  }

/** A decision and its grounds. */
type Decided = Decision & {
  readonly world: World
  /** The key to claim for the binding as it was before the request, if any. */
  readonly earlierKey: string | undefined
  /** The findings before the request. */
  readonly earlier: readonly Finding[]
  /** The binding's identity before the request. */
  readonly before: IdentifiedBinding | undefined
}

async function decide(request: AdmissionRequest, reach: Reach, signal: AbortSignal): Promise<Decided> {
  const binding = bindingIn(request.object, request)
  const before = request.operation === 'UPDATE' ? bindingIn(request.oldObject, request) : undefined
  if (!concerns(request, binding)) return { ...nothing, binding, world: reach.world }
  const decideIn = (world: World): Decided => {
    const appraisal = appraise(binding, world)
    const { findings: earlier, ...past } = before ? appraise(before, world) : untouched
    const verdict = judge(appraisal.findings, earlier, reach.actions)
    const earlierKey = keyToClaim({ findings: earlier, ...past })
    const { identity } = past.evaluation
    const identified = before && identity && { binding: before, identity }
    return { binding, world, appraisal, verdict, earlierKey, earlier, before: identified, remarks: [] }
  }
  const confirmed = async (neighbours: boolean): Promise<Decided> =>
    decideIn(await confirm(binding, reach.world, reach.read(signal), { neighbours }))
  const remembered = decideIn(reach.world)
  if (isRefusedByAdvice(remembered)) return confirmed(true)
  if (!needsConfirmation(remembered.verdict.findings)) return remembered
  const live = await confirmed(false)
  // By live reads the binding may have an identity that it lacks by memory, and with it neighbours that nobody has read.
  return isRefusedByAdvice(live) ? confirmed(true) : live
}

const isRefusedByAdvice = ({ verdict }: Decided): boolean =>
  verdict.findings.some((one) => one.action === 'deny' && isAdvice(one))

/** Adds the warnings beside the findings. */
function remarked(decided: Decided): Decision {
  const { binding, appraisal, world, earlier, verdict, remarks } = decided
  const { stake } = appraisal
  const news = newIn(verdict, earlier)
  const own = appraisal === untouched ? [] : remarksOn(binding, { verdict, news, stake }, world)
  return {
    ...decided,
    remarks: [...own.map(({ line }) => line), ...collisionAdvice(verdict.findings, binding, own), ...remarks],
  }
}

/**
 * Turns a denial into a warning if the namespace's label asks for it, because a restore brings back objects that
 * existed before.
 */
async function softened(
  { namespace }: AdmissionRequest,
  decision: Decided,
  { isLenient }: Reach,
  signal: AbortSignal,
): Promise<Decided> {
  if (decision.verdict.verdict !== 'deny' || !(await isLenient(namespace, signal))) return decision
  return { ...decision, verdict: lenient(decision.verdict) }
}

/**
 * The parts of a decision that call the API server: the look at the pods of an allowed binding, and the claim on its
 * key. Both run at the same time, unless advice on pods may refuse, because nothing must be claimed for a refused
 * binding.
 */
async function lookAndClaim(
  request: AdmissionRequest,
  decision: Decided,
  reach: Reach,
  signal: AbortSignal,
): Promise<Decided> {
  const { binding, before, verdict } = decision
  const { identity } = decision.appraisal.evaluation
  const isLooked = identity && verdict.verdict !== 'deny'
  const looking = isLooked ? reach.lookAtPods({ binding, identity }, before, signal) : nothingSeen
  const claim = (one: Decided): Promise<Decided> => reserveKey(request, one, reach, signal)
  const mayRefuse = workloadRules.some((rule) => reach.actions[rules[rule].reason] === 'deny')
  if (mayRefuse) return claim(withAdvice(decision, await looking, reach))
  const [reserved, seen] = await Promise.all([claim(decision), looking])
  return withAdvice(reserved, seen, reach)
}

function withAdvice(decision: Decided, { found, earlier }: PodFindings, { actions }: Reach): Decided {
  const { verdict } = decision
  if (verdict.verdict === 'deny' || found.length === 0) return decision
  const known = [...decision.earlier, ...earlier]
  return { ...decision, earlier: known, verdict: judge([...verdict.findings, ...found], known, actions) }
}

/** Claims the binding's key, so that of two simultaneous requests, on one replica or two, only one is allowed. */
async function reserveKey(
  request: AdmissionRequest,
  decision: Decided,
  { world, read, reserve, actions }: Reach,
  signal: AbortSignal,
): Promise<Decided> {
  const { binding, earlierKey, earlier, appraisal, verdict } = decision
  const key = keyToClaim(appraisal)
  const isContested = verdict.findings.some(({ collisionKey }) => collisionKey === key)
  if (key === undefined || key === earlierKey || isContested || verdict.verdict === 'deny' || request.dryRun)
    return decision
  const { namespace, name, uid } = binding
  const reserved = await reserve(
    key,
    { namespace, name, uid, base: baseOf(request) },
    ({ name: other }: Holder) => readContender(other, key, binding, world, read(signal)),
    signal,
  )
  if (reserved.kind === 'reserved') return decision
  const collision = takenBy(reserved, key, decision)
  const judged = judge([collision, ...verdict.findings], earlier, actions)
  const isCollisionReported = judged.findings.some((one) => one.rule === collision.rule && isReported(one))
  const remarks = reserved.pending && isCollisionReported ? [pendingWords(reserved.by.name)] : []
  return { ...decision, verdict: judged, remarks }
}

/** The version of the binding that a request changes, for its claim: empty for a creation, undefined if it is not told. */
const baseOf = (request: AdmissionRequest): string | undefined =>
  request.operation === 'CREATE' ? '' : bindingIn(request.oldObject, request).resourceVersion || undefined

/**
 * The finding for a claim of another binding: on a collision key, or on the container reference of a binding that
 * waits for objects.
 */
function takenBy(
  { by }: Extract<Reserved, { kind: 'taken' }>,
  key: string,
  { binding, appraisal }: Decided,
): Finding {
  if (key === appraisal.stake.containerRef) return pendingOver(key, binding, [by.name])
  return {
    rule: 'identityCollision',
    field: 'spec.containerName',
    cause: 'Duplicate',
    value: binding.spec.containerName,
    message: collisionMessage([by.name]),
    collisionKey: key,
  }
}

/**
 * A warning of its own beside the collision's message, because other tools parse that message. A claim that no binding followed
 * refuses for 65 s, which is more than the one minute that people would try first.
 */
const pendingWords = (name: string): string =>
  `spec.containerName: ${name} is being admitted this moment, or was: try again in two minutes`

const untouched: Appraisal = {
  evaluation: { findings: [], identity: undefined },
  stake: noStake,
  findings: [],
}

/** The decision on a request that can do no harm. */
const nothing: Omit<Decided, 'binding' | 'world'> = {
  appraisal: untouched,
  verdict: judge([], [], {}),
  earlierKey: undefined,
  earlier: [],
  before: undefined,
  remarks: [],
}

/**
 * Whether the request is judged. A binding that is being deleted can do no harm, and neither can an update that leaves
 * what the binding asks for as it is written.
 */
const concerns = (request: AdmissionRequest, binding: Binding): boolean =>
  request.group === bindingResource.group &&
  request.resource === bindingResource.plural &&
  request.subresource === '' &&
  (request.operation === 'CREATE' || request.operation === 'UPDATE') &&
  !binding.deleting &&
  !(request.operation === 'UPDATE' && isWrittenAlike(request.oldObject, request.object))

/**
 * Decodes the object of a request. Namespace and name are taken from the request, because a new object's metadata may
 * lack them.
 */
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
