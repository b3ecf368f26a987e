import type { Output } from './clusterspiffeid.ts'
import { byRule, failureConditions, rules, type Condition, type RuleName } from './findings.ts'
import type { Identity, Settings } from './identity.ts'
import { field, objectOr, sameJson, textOr, type JsonObject } from './json.ts'
import { isOfTheSpec } from './spec-failures.ts'

/** The outcome of reconciling a binding. */
export type Outcome =
  | {
      readonly kind: 'ready'
      readonly identity: Identity
      /** The ClusterSPIFFEID. Offline, in `kleym check`, only its name is known. */
      readonly output: { readonly name: string; readonly uid?: string; readonly generation?: number }
    }
  | Failure

export type Failure = {
  readonly kind: 'failed'
  readonly rule: RuleName
  readonly message: string
  /** True if only an edit of the binding can help, although its spec is valid by itself. */
  readonly stalls?: boolean
  /** As in the finding. */
  readonly unread?: boolean
  /** An output of ours that stays although the binding fails. */
  readonly keeps?: Pick<Output, 'name' | 'uid' | 'generation' | 'spec'>
}

/** Every status shows all of these conditions, in this order. */
export const conditionTypes = ['Ready', ...failureConditions] as const
export type ConditionType = (typeof conditionTypes)[number]

export type Summary = { readonly condition: ConditionType; readonly reason: string }

export const summaryOf = (outcome: Outcome): Summary =>
  outcome.kind === 'ready'
    ? { condition: 'Ready', reason: 'Reconciled' }
    : { condition: rules[outcome.rule].condition, reason: rules[outcome.rule].reason }

/**
 * The status for an outcome. Conditions that equal those of the `previous` status keep their lastTransitionTime, so
 * that an unchanged outcome gives an equal status.
 */
export function statusOf(
  outcome: Outcome,
  {
    settings,
    generation,
    previous,
    now,
  }: {
    readonly settings: Settings
    readonly generation: number
    readonly previous: JsonObject
    readonly now: Date
  },
): JsonObject {
  const conditions = conditionTypes.map((type) => ({ type, ...conditionOf(type, outcome) }))
  return {
    observedGeneration: generation,
    conditions: [...conditions, ...stalledBy(outcome)].map(({ type, status, reason, message }) => {
      const lastTransitionTime = transitionTime(conditionIn(previous, type), status, now)
      return { type, status, observedGeneration: generation, lastTransitionTime, reason, message }
    }),
    trustDomain: settings.trustDomain,
    ...(settings.className === undefined ? {} : { clusterSPIFFEIDClassName: settings.className }),
    ...rendered(outcome, previous),
  }
}

/** The reason of Ready=Unknown while the first outcome of a binding, or of its last edit, is not known yet. */
export const retryingReason = 'Retrying'

/**
 * The previous status with Ready=Unknown and `words` as its message. Everything else stays, observed generations
 * included.
 */
export function retryingStatus(previous: JsonObject, words: string, now: Date): JsonObject {
  const before = conditionIn(previous, 'Ready')
  const generation = field(before ?? {}, 'observedGeneration')
  const ready = {
    type: 'Ready',
    status: 'Unknown',
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: transitionTime(before, 'Unknown', now),
    reason: retryingReason,
    message: upTo(longestMessage, words),
  }
  // Stalled exists only while Ready is False.
  const others = conditionsIn(previous).filter(({ type }) => type !== 'Ready' && type !== 'Stalled')
  return { ...previous, conditions: [ready, ...others] }
}

function transitionTime(before: JsonObject | undefined, status: string, now: Date): string {
  return before?.['status'] === status ? textOr(before['lastTransitionTime'], instantOf(now)) : instantOf(now)
}

const instantOf = (now: Date): string => `${now.toISOString().slice(0, -'.000Z'.length)}Z`

type ConditionBody = { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string }

/**
 * kstatus, by which Flux and Helm wait, takes Stalled=True for a failure that only an edit of the object ends. Any
 * other failure may be ended by another object, perhaps by the next one that is applied.
 */
function stalledBy(outcome: Outcome): readonly (ConditionBody & { readonly type: 'Stalled' })[] {
  if (outcome.kind === 'ready' || !(outcome.stalls || isOfTheSpec(outcome.rule))) return []
  return [{ type: 'Stalled', ...conditionOf('Ready', outcome), status: 'True' }]
}

function conditionOf(type: ConditionType, outcome: Outcome): ConditionBody {
  if (outcome.kind === 'ready')
    return type === 'Ready'
      ? {
          status: 'True',
          reason: 'Reconciled',
          message: `ClusterSPIFFEID ${outcome.output.name} is in place`,
        }
      : resolved(right[type])
  const { condition, reason } = rules[outcome.rule]
  if (type !== 'Ready' && type !== condition)
    return resolved(
      byRule({ rule: lastCheck[type] }, outcome) < 0
        ? right[type]
        : `not checked to the end: ${condition}/${reason} comes first`,
    )
  return {
    status: type === 'Ready' ? 'False' : 'True',
    reason,
    message: upTo(longestMessage, outcome.message),
  }
}

/**
 * A message of metav1.Condition may have 32,768 characters. The text of an API server's refusal may be longer and is
 * cut to this, so that the status can be written.
 */
const longestMessage = 30_000

/**
 * Cuts a text without splitting a surrogate pair: the API server would store half a pair as another character, and
 * the status would differ for ever from the wanted one.
 */
const upTo = (length: number, text: string): string =>
  text.length <= length ? text : text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')

const resolved = (message: string): ConditionBody => ({ status: 'False', reason: 'Resolved', message })

/** What is right once all checks of a condition have passed. */
const right: { readonly [type in Condition]: string } = {
  Conflict: 'it collides with no other binding',
  InvalidRef: 'the pool, and the objective if one is named, are there and belong together',
  UnsafeSelector: 'the pool selects by labels alone, and the selectors keep to the namespace',
  RenderFailure: 'the spec gives a SPIFFE ID, and its ClusterSPIFFEID is not refused',
}

/** The last check of each condition. The first failure ends the checks, so those of a condition may not all have run. */
const lastCheck: { readonly [type in Condition]: RuleName } = {
  Conflict: 'identityCollision',
  InvalidRef: 'objectiveOfAnotherPool',
  UnsafeSelector: 'unsafeSelector',
  RenderFailure: 'managedOutputApplyFailed',
}

const renderedFields = ['computedSpiffeIDs', 'renderedSelectors', 'renderedClusterSPIFFEID'] as const

function rendered(outcome: Outcome, previous: JsonObject): JsonObject {
  if (outcome.kind === 'ready') {
    const { identity, output } = outcome
    return { ...identityParts(identity), renderedClusterSPIFFEID: shown(output, identity.spiffeId) }
  }
  // By the uid the next run knows that this one was kept.
  if (outcome.keeps)
    return { renderedClusterSPIFFEID: shown(outcome.keeps, outcome.keeps.spec['spiffeIDTemplate']) }
  // If the new output is refused, the old one stays, and the status goes on naming it.
  if (outcome.rule !== 'managedOutputApplyFailed') return {}
  return partsIn(previous, ...renderedFields)
}

const shown = (
  { name, uid, generation }: { readonly name: string; readonly uid?: string; readonly generation?: number },
  spiffeID: unknown,
): JsonObject => ({
  name,
  ...(uid === undefined ? {} : { uid }),
  spiffeID,
  ...(generation === undefined ? {} : { observedGeneration: generation }),
})

/** The output that a status names; undefined if it names none, or a former one by its name alone. */
export function outputNamedIn(status: JsonObject): Pick<Output, 'name' | 'uid'> | undefined {
  const { name, uid } = objectOr(field(status, 'renderedClusterSPIFFEID'))
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined
}

/** The uid of the output that a status names; undefined if it names none. */
export const outputUidIn = (status: JsonObject): unknown =>
  field(objectOr(field(status, 'renderedClusterSPIFFEID')), 'uid')

const identityParts = ({ mode, spiffeId, selectors }: Identity): JsonObject => ({
  computedSpiffeIDs: [{ mode, spiffeID: spiffeId }],
  renderedSelectors: [{ spiffeID: spiffeId, selectors }],
})

const partsIn = (status: JsonObject, ...names: readonly string[]): JsonObject =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = field(status, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** Whether a status shows this identity. */
export const showsIdentity = (status: JsonObject, identity: Identity): boolean =>
  sameJson(partsIn(status, 'computedSpiffeIDs', 'renderedSelectors'), identityParts(identity))

/** The condition and reason of a status, for metrics and for telling a transition from a repetition. */
export function summaryIn(status: JsonObject): Summary | undefined {
  const ready = conditionIn(status, 'Ready')
  if (!ready) return undefined
  const reason = textOr(ready['reason'], '')
  if (ready['status'] !== 'False') return { condition: 'Ready', reason }
  const failed = failureConditions.find((type) => conditionIn(status, type)?.['status'] === 'True')
  return { condition: failed ?? 'Ready', reason }
}

/** The Ready condition of a status; undefined if it has none yet. */
export function readyIn(status: JsonObject):
  | {
      readonly status: string
      readonly reason: string
      readonly message: string
      /** Undefined while nothing has been evaluated yet. */
      readonly observedGeneration: number | undefined
    }
  | undefined {
  const ready = conditionIn(status, 'Ready')
  const generation = ready && field(ready, 'observedGeneration')
  return (
    ready && {
      status: textOr(ready['status'], 'Unknown'),
      reason: textOr(ready['reason'], ''),
      message: textOr(ready['message'], ''),
      observedGeneration: typeof generation === 'number' ? generation : undefined,
    }
  )
}

export const conditionIn = (status: JsonObject, type: ConditionType | 'Stalled'): JsonObject | undefined =>
  conditionsIn(status).find((condition) => condition['type'] === type)

/** The entries of `conditions` that are objects, not checked any further. */
export function conditionsIn(status: JsonObject): readonly JsonObject[] {
  const conditions = field(status, 'conditions')
  return Array.isArray(conditions) ? conditions.map(objectOr) : []
}
