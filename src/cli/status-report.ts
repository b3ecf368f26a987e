import { conditionIn } from '../core/conditions.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
  optionalResources,
  poolResources,
  type Resource,
} from '../core/resources.ts'
import type { Unread } from '../core/unread.ts'
import { missingKinds, needs } from './crd-findings.ts'
import type { Manifest } from './manifests.ts'
import { operatorJson, type OperatorState } from './operator-state.ts'
import { gradeOfFindings, headOf, type ReportGrade, type ReportFinding } from './report-finding.ts'
import { gradeOfRow, type Row } from './rows.ts'
import type { SpireState } from './spire-state.ts'

/** What `kleym status` has seen. */
export type Overview = {
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined
  readonly served: readonly Resource[]
  readonly unread: readonly Unread[]
  readonly bindings: readonly Row[]
  readonly manifests: readonly Manifest[]
  readonly operator: OperatorState
  /** Undefined where ClusterSPIFFEIDs may not be listed. */
  readonly spire: SpireState | undefined
  readonly unseen: readonly string[]
}

type Versions = { readonly missing: boolean; readonly text: string }

/** The versions of a kind that are served, the preferred one first. */
export function versionsOf(served: readonly Resource[], ...row: readonly Resource[]): Versions {
  const there = row.filter((one) => served.includes(one))
  return { missing: there.length === 0, text: [...new Set(there.map(({ version }) => version))].join(',') }
}

/** The kinds of which no version is served. */
export const unservedIn = ({ served, unread }: Overview): readonly Resource[] =>
  optionalResources.filter((one) => !served.includes(one) && !unread.some(({ resource }) => resource === one))

/** A kind is only called missing if a binding needs it: without PerObjective bindings nobody needs objectives. */
export function dependencyFindings({ served, unread, bindings }: Overview): readonly ReportFinding[] {
  const needsObjectives = bindings.some(({ mode }) => mode !== 'PoolOnly')
  return missingKinds(
    [needs.bindings, needs.outputs, needs.pools, ...(needsObjectives ? [needs.objectives] : [])],
    { served, unread },
  )
}

/** The fields of the former operator's report, then ours. */
export function statusReport(
  overview: Overview,
  findings: readonly ReportFinding[],
  { now, version: cliVersion }: { readonly now: Date; readonly version: string },
) {
  const { bindings, operator, spire, unread, unseen } = overview
  return {
    ...headOf('KleymStatusReport', now),
    status: gradeOfFindings(findings),
    cliVersion,
    components: components(overview, findings),
    config: configOf(overview),
    summary: { bindings: { ...gradeCounts(bindings), conditions: conditionCounts(overview) } },
    findings,
    operator: operatorJson(operator),
    spire: spire ?? null,
    bindings,
    unserved: unservedIn(overview).map(gvk),
    unread: unread.map(({ resource, versions }) => ({ gvk: gvk(resource), served: versions })),
    unseen,
  }
}

const graded = (
  of: readonly ReportFinding[],
): { readonly status: ReportGrade; readonly message?: string } => ({
  status: gradeOfFindings(of),
  ...(of.length > 0 && { message: of.map(({ message }) => message).join('; ') }),
})

function components({ served, operator }: Overview, findings: readonly ReportFinding[]) {
  const about = (...ids: readonly string[]) => findings.filter(({ id }) => ids.includes(id))
  const crds = (...reasons: readonly string[]) =>
    about('crd-missing').filter(({ reason }) => reasons.includes(reason))
  const text = (...row: readonly Resource[]): string => versionsOf(served, ...row).text
  const { deployment, published } = operator
  const running = about('operator-unavailable', 'operator-unreported', 'operator-remark')
  const ours = crds('InferenceIdentityBindingCRDMissing')
  return {
    kleym: graded([...running, ...ours]),
    operator: {
      ...graded(running),
      deployment: deployment ? `${deployment.namespace}/${deployment.name}` : '',
      readyReplicas: deployment?.ready ?? 0,
      replicas: deployment?.wanted ?? 0,
      version: deployment?.version || published?.health.version || '',
    },
    kleymCRDs: { ...graded(ours), inferenceIdentityBinding: text(bindingResource) },
    spireCRDs: {
      ...graded(crds('ClusterSPIFFEIDCRDMissing')),
      clusterSPIFFEID: text(clusterSpiffeIdResource),
    },
    gaieCRDs: {
      ...graded(crds('GAIECRDMissing')),
      inferencePool: text(...poolResources),
      inferenceObjective: text(...objectiveResources),
    },
  }
}

/** The settings in the first status that has some; else those that the operator publishes. */
function configOf({ manifests, operator }: Overview) {
  const statuses = statusesIn(manifests)
  const first = statuses.find((status) => textOr(field(status, 'trustDomain'), '') !== '')
  const published = operator.published?.configuration
  return {
    trustDomain: first ? textOr(field(first, 'trustDomain'), '') : (published?.trustDomain ?? ''),
    clusterSPIFFEIDClassName: first
      ? textOr(field(first, 'clusterSPIFFEIDClassName'), '')
      : (published?.className ?? ''),
    clusterSPIFFEIDClassNameKnown: first !== undefined || published !== undefined,
  }
}

const statusesIn = (manifests: readonly Manifest[]) =>
  manifests
    .filter(({ resource }) => resource === bindingResource)
    .map(({ object }) => objectOr(field(objectOr(object), 'status')))

function gradeCounts(bindings: readonly Row[]) {
  const of = (grade: ReturnType<typeof gradeOfRow>): number =>
    bindings.filter((row) => gradeOfRow(row) === grade).length
  return { ok: of('ok'), warning: of('warning'), error: of('error'), total: bindings.length }
}

function conditionCounts({ manifests }: Overview) {
  const statuses = statusesIn(manifests)
  const of = (type: Parameters<typeof conditionIn>[1]): number =>
    statuses.filter((status) => conditionIn(status, type)?.['status'] === 'True').length
  return {
    ready: of('Ready'),
    conflict: of('Conflict'),
    invalidRef: of('InvalidRef'),
    unsafeSelector: of('UnsafeSelector'),
    renderFailure: of('RenderFailure'),
  }
}
