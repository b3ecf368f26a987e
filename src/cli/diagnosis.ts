import { conditionIn, readyIn } from '../core/conditions.ts'
import { failureConditions, rules, type Condition } from '../core/findings.ts'
import { textOr, type JsonObject } from '../core/json.ts'
import { bindingResource, objectiveResources, poolResources } from '../core/resources.ts'
import { isCurrent } from '../core/stored-status.ts'
import { missingKinds, neededBy, needs } from './crd-findings.ts'
import { troublesBeyond } from './diagnosis-beyond.ts'
import { explained, failureFindings } from './failure-findings.ts'
import { nearMissOf } from './hints.ts'
import { isGuessed, type SettingSource } from './identity-config.ts'
import type { Inspection } from './inspection.ts'
import { leavingFix } from './keepers.ts'
import { spanOf } from './layout.ts'
import { operatorFindings } from './operator-state.ts'
import { limitedBy, refTo, type ReportFinding } from './report-finding.ts'

/**
 * All findings on a binding. Errors are sorted by where they stand on the way from the binding to the pod: a later
 * one may be a consequence of an earlier one, so the first is the cause to begin with.
 */
export const diagnose = (inspection: Inspection): readonly ReportFinding[] => [
  ...leaving(inspection),
  ...refused(inspection),
  ...unserved(inspection),
  ...unattended(inspection),
  ...unhealthy(inspection),
  ...troublesBeyond(inspection),
  ...remarks(inspection),
]

/** The first line of a report: whether workloads get their identity and, if not, why and what to do. */
export function firstLineOf(findings: readonly ReportFinding[]): string {
  const first = findings.find(({ severity }) => severity === 'error')
  if (!first) return 'READY'
  const { message, fix } = first
  return `NOT READY: ${sentence(message)}${fix === undefined ? '' : ` Fix: ${sentence(fix)}`}`
}

const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`)

type AboutBinding = Pick<Inspection, 'binding'>

const bindingRef = ({ binding }: AboutBinding) => refTo(bindingResource, binding)

const error = (
  inspection: AboutBinding,
  id: string,
  reason: string,
  message: string,
  fix?: string,
): ReportFinding => ({
  id,
  severity: 'error',
  reason,
  message,
  affectedRefs: [bindingRef(inspection)],
  ...(fix !== undefined && { fix }),
})

function leaving(inspection: Inspection): readonly ReportFinding[] {
  const { binding, leavingMs } = inspection
  if (!binding.deleting) return []
  const since = leavingMs === undefined ? '' : `, for ${spanOf(leavingMs)}`
  return [
    error(inspection, 'binding-deleting', 'Deleting', `it is being deleted${since}`, leavingFix(inspection)),
  ]
}

type FailedCondition = { readonly type: Condition; readonly reason: string; readonly message: string }

const failedIn = (status: JsonObject): readonly FailedCondition[] =>
  failureConditions.flatMap((type) => {
    const condition = conditionIn(status, type)
    return condition?.['status'] === 'True'
      ? [{ type, reason: textOr(condition['reason'], ''), message: textOr(condition['message'], '') }]
      : []
  })

/** The failures of the binding by the present objects or, if they can't be read, by the status. */
function refused(inspection: Inspection): readonly ReportFinding[] {
  const { binding, judged } = inspection
  if (binding.deleting) return []
  const failed = failedIn(judged ? judged.assessment.status : binding.status)
  return failed.flatMap(({ type, reason, message }) => {
    // The name of the ClusterSPIFFEID follows from the trust domain.
    if (judged && isGuessed(inspection.config) && reason === rules.managedOutputApplyFailed.reason) return []
    const { problem, fix } = explained(reason, message)
    const help = `${nearMissWords(reason, inspection)}${fix}`
    return failureFindings({ type, reason, problem, fix: help }, [bindingRef(inspection)])
  })
}

/** The kinds that the binding needs and that are not served. */
function unserved({ binding: { spec, deleting }, served, unread }: Inspection): readonly ReportFinding[] {
  if (deleting) return []
  const { poolRef, objectiveRef } = spec
  return missingKinds(
    [
      needs.outputs,
      neededBy(needs.pools, poolRef),
      ...(objectiveRef ? [neededBy(needs.objectives, objectiveRef)] : []),
    ].filter(({ anyOf }) => anyOf.length > 0),
    { served, unread },
  )
}

/** A suggestion for a missing object: an object with a similar name, or one of the same name in another group. */
function nearMissWords(reason: string, { binding: { spec, namespace }, manifests }: Inspection): string {
  const isPool = reason === 'TargetPoolNotFound'
  if (!isPool && reason !== 'TargetObjectiveNotFound') return ''
  const row = isPool ? poolResources : objectiveResources
  const reference = isPool ? spec.poolRef : spec.objectiveRef
  const there = manifests.filter((one) => row.includes(one.resource) && one.namespace === namespace)
  const meant = nearMissOf(reference, there)
  switch (meant?.kind) {
    case 'otherGroup':
      return `there is one in group ${meant.groups.join(', ')}: name that group, or none; else `
    case 'similarName':
      return `did you mean ${JSON.stringify(meant.name)}? Else `
    case undefined:
      return ''
  }
}

/**
 * Findings on an operator that does not work. They explain a failure only if the operator has left something undone.
 */
function unattended(inspection: Inspection): readonly ReportFinding[] {
  const { binding, operator } = inspection
  const found = operatorFindings(operator)
  if (isReady(inspection) || binding.deleting) return found.map(asWarning)
  return found
}

/** Turns an error into a warning for a binding that is Ready: identities that were given stay without the operator. */
const asWarning = (finding: ReportFinding): ReportFinding =>
  finding.severity === 'error' ? { ...finding, id: 'operator-silent', severity: 'warning' } : finding

const isReady = ({ binding: { status, generation } }: AboutBinding): boolean =>
  isCurrent(status, generation) && readyIn(status)?.status === 'True'

function unhealthy(inspection: Inspection): readonly ReportFinding[] {
  const { binding } = inspection
  if (binding.deleting || isReady(inspection)) return []
  const ready = readyIn(binding.status)
  if (ready?.status === 'False') {
    const { problem, fix } = explained(ready.reason, ready.message)
    const old = isCurrent(binding.status, binding.generation) ? '' : ', said of an earlier generation'
    return [error(inspection, 'binding-unhealthy', ready.reason, `Ready is False${old}: ${problem}`, fix)]
  }
  const isStale = ready?.status === 'True'
  return [
    isStale
      ? error(
          inspection,
          'binding-outdated',
          'Outdated',
          `the operator has not looked at generation ${binding.generation} yet: what the status says is of generation ${ready.observedGeneration ?? 'none'}`,
          'wait, or see its log',
        )
      : error(
          inspection,
          'binding-not-reconciled',
          ready?.reason ?? 'Initializing',
          ready ? `the operator tries again: ${ready.message}` : 'the operator has not looked at it yet',
          ready ? 'remove what is in the way; the operator tries again by itself' : 'wait, or see its log',
        ),
  ]
}

const sourceWords: { readonly [source in SettingSource]: string } = {
  flag: 'that of the flag',
  bindingStatus: 'that of the status',
  operator: 'that of the operator',
  default: 'assumed',
}

function remarks(inspection: Inspection): readonly ReportFinding[] {
  const { config, judged, pods, missed } = inspection
  const affectedRefs = [bindingRef(inspection)]
  const served = pods?.seen ? pods.selected.filter(({ lacks }) => lacks.length === 0) : undefined
  const pool = judged?.facts.pool
  const isUnusable = pool?.kind === 'found' && pool.object.selector.kind === 'unusable'
  const found: readonly (ReportFinding | false)[] = [
    served?.length === 0 && {
      id: 'zero-matched-pods',
      severity: 'info',
      reason: 'ZeroMatchedPods',
      message: 'no pod that can be read matches',
      affectedRefs,
    },
    !config.isShown && {
      id: 'identity-config-undiscovered',
      severity: 'warning',
      reason: 'IdentityConfigUndiscovered',
      message: `the status names no trust domain: ${JSON.stringify(config.settings.trustDomain)} is ${sourceWords[config.trustDomainSource]}`,
      affectedRefs,
      ...(config.trustDomainSource === 'default' && { fix: 'name it by --trust-domain' }),
    },
    isUnusable && {
      id: 'unsupported-selector',
      severity: 'warning',
      reason: 'InvalidPoolSelector',
      message: 'pods cannot be matched against the selector of the pool',
      affectedRefs,
    },
  ]
  return [...found.filter((one) => one !== false), ...limitedBy(missed)]
}
