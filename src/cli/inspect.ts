import type { Settings } from '../core/identity.ts'
import { nearest } from '../core/nearest.ts'
import { bindingResource, clusterSpiffeIdResource } from '../core/resources.ts'
import type { ActionOverrides } from '../core/verdict.ts'
import { exitCodes, usage, type CommandResult } from '../result.ts'
import type { ClusterReads } from './cluster.ts'
import { missingKinds, needs } from './crd-findings.ts'
import { diagnose, firstLineOf } from './diagnosis.ts'
import type { Format } from './formats.ts'
import { emptyReport, reportOn } from './inspection-report.ts'
import { linesOf } from './inspection-text.ts'
import { lookAt } from './inspection.ts'
import { laidOut, type Style } from './layout.ts'
import { exitCodeOf, refTo, type ReportFinding } from './report-finding.ts'

export type InspectOptions = {
  /** If undefined, the namespace of the kubeconfig's context is used. */
  readonly namespace: string | undefined
  readonly name: string
  /** The operator's namespace; if undefined, that of its Deployment. */
  readonly operatorNamespace: string | undefined
  /** The operator's settings from the command line. Missing ones are taken from the binding's status. */
  readonly settings: Partial<Settings>
  /** Actions of admission by reason, which override those that the operator publishes. */
  readonly actions: ActionOverrides
  readonly format: Format
  /** Whether warnings count as failures. */
  readonly strict: boolean
}

type Reach = ClusterReads & { readonly now: Date } & Omit<Style, 'format'>

/**
 * `kleym inspect binding`: says whether workloads get an identity by a binding and, if not, why. The report follows
 * the way of an identity: references, ClusterSPIFFEID, SPIRE Controller Manager, pods.
 */
export async function inspect(options: InspectOptions, reach: Reach): Promise<CommandResult> {
  const { name, format, strict } = options
  const { now } = reach
  const at = { namespace: options.namespace ?? (await reach.defaultNamespace()), name }
  const scope = { namespace: at.namespace, inParts: true, schemas: [clusterSpiffeIdResource] }
  const snapshot = await reach.readCluster(scope)
  if (snapshot.kind === 'problem') return usage([snapshot.problem])
  const style = { format, width: reach.width, colored: reach.colored }
  const bindings = snapshot.manifests.filter(({ resource }) => resource === bindingResource)
  const found = bindings.find((one) => one.name === name)
  if (!snapshot.served.includes(bindingResource)) {
    const missing = missingKinds([needs.bindings], snapshot)
    const report = emptyReport(at, missing, now)
    return {
      code: exitCodes.findings,
      stdout: laidOut(report, [firstLineOf(missing)], style, true),
      stderr: '',
    }
  }
  if (!found) return absent(at, bindings, options, now)
  const inspection = await lookAt(found, options, snapshot, reach)
  const findings = diagnose(inspection)
  const code = exitCodeOf(findings, strict)
  return {
    code,
    stdout: laidOut(
      reportOn(inspection, findings, now),
      linesOf(inspection, findings, now),
      style,
      findings.some(({ severity }) => severity === 'error'),
    ),
    stderr: '',
  }
}

/** The result for a missing binding: a line on standard error for people, a report for scripts. */
function absent(
  at: { readonly namespace: string; readonly name: string },
  bindings: readonly { readonly name: string }[],
  { format }: InspectOptions,
  now: Date,
): CommandResult {
  const near = nearest(
    at.name,
    bindings.map(({ name }) => name),
  )
  const finding: ReportFinding = {
    id: 'binding-not-found',
    severity: 'error',
    reason: 'NotFound',
    message: `there is no ${bindingResource.kind} ${at.namespace}/${at.name}`,
    affectedRefs: [refTo(bindingResource, at)],
    ...(near !== undefined && { fix: `did you mean ${JSON.stringify(near)}?` }),
  }
  return {
    code: exitCodes.notFound,
    stdout: format === 'text' ? '' : laidOut(emptyReport(at, [finding], now), [], { format }, true),
    stderr: `kleym: ${finding.message}${finding.fix === undefined ? '' : `; ${finding.fix}`}\n`,
  }
}
