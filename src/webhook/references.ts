/**
 * The webhook on pools and objectives. Such an object is judged with the bindings that refer to it: a failure for
 * which a binding would be refused is refused in the object that completes the binding. So the order in which a tool
 * applies the same objects does not decide whether they are refused.
 */
import type { Binding } from '../core/binding.ts'
import { judgeChange, type Consequence, type ReferenceChange } from '../core/consequences.ts'
import { rules } from '../core/findings.ts'
import type { Inventory } from '../core/inventory.ts'
import {
  actionOn,
  consequenceLine,
  judgeConsequences,
  type JudgedConsequence,
  type AdmissionActions,
  type ReferenceVerdict,
} from '../core/reference-verdict.ts'
import { completedAdvice, counted } from '../core/remarks.ts'
import { objectiveResources, poolResources } from '../core/resources.ts'
import { nameAtMost } from '../core/show.ts'
import type { AdmissionRequest, AdmissionResponse } from './admission-review.ts'
import { judgeLive } from './fresh.ts'
import type { LiveNamespace, ReadLive } from './live.ts'
import type { ListLive } from './missing.ts'
import { nameIn, shownName } from './names.ts'
import { inSlices } from './slices.ts'
import { withNotices } from './warnings.ts'

type Reach = {
  readonly inventory: Inventory
  /** The signal ends a read when the API server no longer waits for the review. */
  readonly read: (signal: AbortSignal) => ReadLive
  readonly list: (signal: AbortSignal) => ListLive
  readonly actions: AdmissionActions
  /** Whether a namespace is labelled so that nothing is refused there; asked before a refusal alone. */
  readonly isLenient: (namespace: string, signal: AbortSignal) => Promise<boolean>
  /** What every answer warns of, whatever it is about. */
  readonly notices: () => readonly string[]
  /** Told of each refusal, for the log. */
  readonly refused: (request: AdmissionRequest, reasons: readonly string[]) => void
}

export const judgingReferences =
  (reach: Reach) =>
  async (request: AdmissionRequest, signal: AbortSignal): Promise<AdmissionResponse> =>
    withNotices(await judge(request, reach, signal), reach.notices())

async function judge(
  request: AdmissionRequest,
  reach: Reach,
  signal: AbortSignal,
): Promise<AdmissionResponse> {
  const change = changeIn(request)
  if (!change) return respond(request, judgeConsequences([], reach.actions, false))
  const consequences = await consequencesOf(change, request, reach, signal)
  const mayDeny = request.operation !== 'DELETE'
  const verdict = judgeConsequences(consequences, reach.actions, mayDeny)
  if (verdict.verdict !== 'deny') return respond(request, verdict)
  if (await reach.isLenient(change.namespace, signal))
    return respond(request, judgeConsequences(consequences, reach.actions, false))
  reach.refused(request, reasonsOf(verdict.consequences.filter(isRefusal)))
  return respond(request, verdict)
}

/** The change that a request asks for; undefined if it concerns no pool or objective, or only a subresource of one. */
function changeIn(request: AdmissionRequest): ReferenceChange | undefined {
  const { namespace, group, operation, subresource } = request
  const resource = [...poolResources, ...objectiveResources].find(
    (known) => known.group === group && known.plural === request.resource,
  )
  if (!resource || subresource !== '') return undefined
  const object = operation === 'DELETE' ? undefined : request.object
  return { resource, namespace, name: nameIn(request), object }
}

async function consequencesOf(
  change: ReferenceChange,
  { operation, oldObject }: AdmissionRequest,
  { inventory, read, list, actions }: Reach,
  signal: AbortSignal,
): Promise<readonly Consequence[]> {
  // A deletion is never refused, so memory is good enough for its warnings.
  if (operation === 'DELETE') return inSlices(judgeChange(change, inventory), signal)
  const action = (one: Consequence) => actionOn(one, actions)
  const reach = { inventory, read: read(signal), list: list(signal), actionOn: action }
  const before = operation === 'UPDATE' ? oldObject : undefined
  const { live, consequences: first } = await judgeLive(change, before, reach, signal)
  const confirmed = new Set<string>()
  let consequences = first
  for (;;) {
    const { consequences: judged } = judgeConsequences(consequences, actions, true)
    const doubtful = judged
      .filter(isRefusal)
      .slice(0, nameAtMost)
      .flatMap((one) => partiesTo(one, live))
    const unread = doubtful.filter(({ name }) => !confirmed.has(name))
    if (unread.length === 0) return consequences
    await confirm(unread, live)
    for (const { name } of unread) confirmed.add(name)
    consequences = await inSlices(judgeChange(change, live.world), signal)
  }
}

/** How many peers of a collision have their references read again before it is believed. */
const peersAtMost = 8

/**
 * The bindings whose pools and objectives have to be read again, because a refusal depends on them and memory may be
 * out of date. An unusable selector needs no reading: it is in the object under review.
 */
function partiesTo(consequence: JudgedConsequence, { world }: LiveNamespace): readonly Binding[] {
  if (consequence.kind === 'otherPods') return []
  const { binding, finding } = consequence
  if (finding.rule === 'invalidPoolSelector') return []
  const key = finding.collisionKey
  const peers = key === undefined ? [] : world.possibleHolders(key).slice(0, peersAtMost)
  return [binding, ...peers]
}

async function confirm(bindings: readonly Binding[], live: LiveNamespace): Promise<void> {
  await Promise.all(bindings.map((binding) => live.readTargets(binding)))
  for (const binding of bindings) live.world.setBinding(binding)
}

const isRefusal = ({ action }: JudgedConsequence): boolean => action === 'deny'

/**
 * The answer is Forbidden, never Invalid, because `kubectl apply --force` and Flux's `force` delete and recreate an
 * object that is Invalid.
 */
function respond(request: AdmissionRequest, { verdict, consequences }: ReferenceVerdict): AdmissionResponse {
  const refusals = consequences.filter(isRefusal)
  const warned = consequences.filter(isWarned)
  const warnings = request.operation === 'DELETE' ? warningsOfDeletion(warned) : affectedLines(warned)
  const reasons = reasonsOf(refusals.length > 0 ? refusals : warned)
  const named = reasons.length > 0 && { reasons: reasons.join(',') }
  const auditAnnotations = verdict === 'allow' ? {} : { decision: verdict, ...named }
  const end = { decision: verdict, reason: reasons[0] }
  if (verdict !== 'deny') return { kind: 'allowed', patch: [], auditAnnotations, end, warnings }
  const lines = counted(
    refusals.map(consequenceLine),
    (rest) => `${rest} more ${bindings(rest)} would get no identity`,
  )
  const { group, kind } = request.kind
  return {
    kind: 'denied',
    auditAnnotations,
    end,
    warnings: [...completedAdvice(kind, refusals.flatMap(findingOf)), ...warnings],
    status: {
      code: 403,
      reason: 'Forbidden',
      message: lines.join('\n'),
      details: { name: shownName(request), group, kind, causes: [] },
    },
  }
}

/**
 * What a deletion brings: of many losses one line for each reason, with a count and some names. A binding that another object of the same
 * name gives to other pods loses nothing.
 */
function warningsOfDeletion(warned: readonly JudgedConsequence[]): readonly string[] {
  const moves = warned.filter(({ kind }) => kind === 'otherPods')
  const losses = warned.filter(({ kind }) => kind !== 'otherPods')
  const byReason = Map.groupBy(losses, (one) => reasonsOf([one]).join())
  return [...[...byReason].flatMap(lossesOf), ...affectedLines(moves)]
}

function lossesOf([reason, some]: readonly [string, readonly JudgedConsequence[]]): readonly string[] {
  if (some.length === 1) return some.map(consequenceLine)
  const names = some.slice(0, fewNames).map(({ binding }) => binding.name)
  const rest = some.length - names.length
  const others = rest > 0 ? ` and ${rest} more` : ''
  return [
    `${some.length} InferenceIdentityBindings lose their identity by this (${reason}): ${names.join(', ')}${others}`,
  ]
}

/** How many names such a line has. */
const fewNames = 3

const affectedLines = (warned: readonly JudgedConsequence[]): readonly string[] =>
  counted(
    warned.map(consequenceLine),
    (rest) => `${rest} more ${bindings(rest)} ${rest === 1 ? 'is' : 'are'} affected`,
  )

const bindings = (count: number): string =>
  count === 1 ? 'InferenceIdentityBinding' : 'InferenceIdentityBindings'

const isWarned = ({ action }: JudgedConsequence): boolean => action === 'warn'

const findingOf = (consequence: JudgedConsequence) =>
  consequence.kind === 'otherPods' ? [] : [{ ...consequence.finding, action: consequence.action }]

const reasonsOf = (consequences: readonly JudgedConsequence[]): readonly string[] => [
  ...new Set(consequences.flatMap(findingOf).map(({ rule }) => rules[rule].reason)),
]
