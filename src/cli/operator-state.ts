import { problemsOf, remarksOf, type OperatorStatus } from '../core/operator-status.ts'
import type { Deployment, OperatorSight } from './cluster.ts'
import { spanOf, sinceOf } from './layout.ts'
import { deploymentKind, refTo, type ReportFinding } from './report-finding.ts'

/** The state of the operator, as its leader publishes it. */
export type OperatorState = {
  /** What the leader publishes; null if that is missing or may not be read. */
  readonly published: OperatorStatus | null
  readonly deployment: Deployment | null
  /** Problems that keep the operator from working. */
  readonly problems: readonly string[]
  /** Problems that do not keep the operator from working. */
  readonly remarks: readonly string[]
  /** Why the state could not be read, which is no problem of the operator. */
  readonly unseen: string | null
}

export function operatorState(sight: OperatorSight, now: Date): OperatorState {
  if (sight.kind === 'unseen')
    return { published: null, deployment: null, problems: [], remarks: [], unseen: sight.why }
  const { status, deployment, namespace } = sight
  const problems = [
    ...(deployment?.ready === 0 ? [`none of ${deployment.wanted} replicas is ready`] : []),
    ...(status
      ? problemsOf(status, now)
      : [
          `no operator has said in namespace ${namespace} that it runs; name its namespace by --operator-namespace`,
        ]),
  ]
  return {
    published: status ?? null,
    deployment: deployment ?? null,
    problems,
    remarks: status ? remarksOf(status) : [],
    unseen: null,
  }
}

/** Findings on the operator: an error for each problem that keeps it from working, a warning for each other one. */
export function operatorFindings({ deployment, problems, remarks }: OperatorState): readonly ReportFinding[] {
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
  const { published, deployment, problems, remarks, unseen } = state
  if (unseen !== null) return []
  return [
    ...(deployment ? [deploymentWords(deployment)] : []),
    ...(published ? [leaderWords(published, now)] : []),
    ...problems,
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
  { published, deployment, problems, remarks, unseen }: OperatorState,
  now: Date,
): readonly string[] {
  if (unseen !== null) return [`operator: it could not be seen: ${unseen}`]
  return [
    ...(deployment ? [`operator: ${deploymentWords(deployment)}`] : []),
    ...problems.map((problem) => `operator: ${problem}`),
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
