import { problemsOf, remarksOf, type OperatorStatus } from '../core/operator-status.ts'
import type { Deployment, OperatorSight } from './cluster.ts'
import { spanOf, sinceOf } from './layout.ts'
import { deploymentKind, refTo, type ReportFinding } from './report-finding.ts'

/** The state of the operator, by its Deployment and by what its leader publishes. */
export type OperatorState = {
  /** What the leader publishes; null if that is missing or may not be read. */
  readonly published: OperatorStatus | null
  readonly deployment: Deployment | null
  /** Problems that keep the operator from working. */
  readonly problems: readonly string[]
  /** What makes it doubtful whether the operator works. */
  readonly doubts: readonly string[]
  /** Problems that do not keep the operator from working. */
  readonly remarks: readonly string[]
  /** What of the state could not be read, and why, which is no problem of the operator. */
  readonly unseen: string | null
}

/** For reports: `said` is what the leader publishes, and scripts read the field by this name. */
export const operatorJson = ({ published, ...rest }: OperatorState) => ({ said: published, ...rest })

const nothing = { published: null, deployment: null, problems: [], doubts: [], remarks: [] }

export function operatorState(sight: OperatorSight, now: Date): OperatorState {
  if (sight.kind === 'unseen') return { ...nothing, unseen: sight.why }
  const { status, deployment, namespace, unseen = {} } = sight
  const silent = `no operator has said in namespace ${namespace} that it runs; name its namespace by --operator-namespace`
  const isSilent = !status && unseen.status === undefined
  const isNowhere = !status && !deployment && unseen.deployment === undefined
  return {
    published: status ?? null,
    deployment: deployment ?? null,
    problems: [
      ...(deployment?.ready === 0 ? [notReadyWords(deployment)] : []),
      ...(isNowhere ? [`there is no Deployment of it${isSilent ? `, and ${silent}` : ''}`] : []),
      ...(status ? problemsOf(status, now) : []),
    ],
    // The former operator publishes nothing, so a Deployment that is ready may be a working operator.
    doubts: isSilent && !isNowhere && deployment?.ready !== 0 ? [silent] : [],
    remarks: status ? remarksOf(status) : [],
    unseen: [unseen.deployment, unseen.status].filter((why) => why !== undefined).join('; ') || null,
  }
}

const notReadyWords = ({ wanted }: Deployment): string =>
  wanted === 0 ? 'its Deployment is scaled to no replicas' : `none of ${wanted} replicas is ready`

/**
 * Findings on the operator: an error for each problem that keeps it from working, a warning for each other problem and for each
 * doubt.
 */
export function operatorFindings(state: OperatorState): readonly ReportFinding[] {
  const { deployment, problems, doubts, remarks } = state
  const affectedRefs = deployment ? [refTo(deploymentKind, deployment)] : []
  return [
    ...problems.map((message): ReportFinding => ({
      id: 'operator-unavailable',
      severity: 'error',
      reason: deployment?.ready === 0 ? 'NoReadyReplicas' : 'OperatorUnavailable',
      message: `the operator does not work: ${message}`,
      affectedRefs,
      fix: operatorFix(deployment),
    })),
    ...doubts.map((message): ReportFinding => ({
      id: 'operator-unreported',
      severity: 'warning',
      reason: 'OperatorUnreported',
      message: `whether the operator works is not known: ${message}`,
      affectedRefs,
    })),
    ...remarks.map((message): ReportFinding => ({
      id: 'operator-remark',
      severity: 'warning',
      reason: 'OperatorRemark',
      message: `the operator says: ${message}`,
      affectedRefs,
    })),
  ]
}

const operatorFix = (deployment: Deployment | null): string =>
  deployment
    ? `see kubectl -n ${deployment.namespace} describe deployment ${deployment.name}, and its log`
    : 'install or start it'

/** A summary for reports about other objects. */
export const operatorBrief = (state: OperatorState, now: Date): readonly string[] => {
  const { published, deployment, problems, doubts, remarks } = state
  return [
    ...(deployment ? [deploymentWords(deployment)] : []),
    ...(published ? [leaderWords(published, now)] : []),
    ...problems,
    ...doubts,
    ...remarks.map((remark) => `remark: ${remark}`),
  ]
}

const deploymentWords = ({ namespace, name, ready, wanted }: Deployment): string =>
  `Deployment ${namespace}/${name}, ${ready} of ${wanted} replicas ready`

function leaderWords({ health }: OperatorStatus, now: Date): string {
  const heard = sinceOf(health.heartbeat, now)
  return `version ${health.version}, leader ${health.leader}, ${heard === undefined ? 'never heard of' : `heard of ${spanOf(heard)} ago`}`
}

export function operatorLines(
  { published, deployment, problems, doubts, remarks, unseen }: OperatorState,
  now: Date,
): readonly string[] {
  const sees = published || deployment ? 'not all of it could be seen' : 'it could not be seen'
  return [
    ...(deployment ? [`operator: ${deploymentWords(deployment)}`] : []),
    ...(unseen === null ? [] : [`operator: ${sees}: ${unseen}`]),
    ...[...problems, ...doubts].map((words) => `operator: ${words}`),
    ...(published ? publishedLines(published, problems.length > 0, now) : []),
    ...remarks.map((remark) => `operator: remark: ${remark}`),
  ]
}

/** @param isOld whether what the operator said last may not be so any more */
function publishedLines(published: OperatorStatus, isOld: boolean, now: Date): readonly string[] {
  const { health, configuration } = published
  const { trustDomain, className } = configuration
  return [
    `operator: ${leaderWords(published, now)}`,
    `operator: trust domain ${trustDomain}, ${className === undefined ? 'no class' : `class ${className}`}`,
    `operator: ${isOld ? 'then: ' : ''}${health.halted === undefined ? 'not halted' : 'halted'}${webhookWords(health.checks)}`,
    ...Object.entries(health.certificates).map(
      ([name, at]) => `operator: the certificate of the ${name} ${expiry(at, now)}`,
    ),
  ]
}

/** The state of the webhook in words; empty if the webhook is off, which then has no checks. */
function webhookWords(checks: OperatorStatus['health']['checks']): string {
  const word = (name: string, yes: string, no: string): readonly string[] =>
    checks.flatMap((check) =>
      check.name === name ? [check.ok === undefined ? `not known yet if ${yes}` : check.ok ? yes : no] : [],
    )
  const words = [
    ...word('registration', 'registered', 'not registered as it should be'),
    ...word('probe', 'answered', 'not answered'),
  ]
  return words.length === 0 ? '' : `; webhook ${words.join(', ')}`
}

function expiry(at: string, now: Date): string {
  const since = sinceOf(at, now)
  if (since === undefined) return 'expires at no time'
  return since >= 0 ? `has expired ${spanOf(since)} ago` : `expires in ${spanOf(-since)}, at ${at}`
}
