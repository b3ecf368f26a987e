import { bindingResource, clusterSpiffeIdResource, crdName } from '../core/resources.ts'
import { usage, type CommandResult } from '../result.ts'
import type { ClusterReads, ClusterSnapshot } from './cluster.ts'
import type { Format } from './formats.ts'
import { laidOut, type Style } from './layout.ts'
import { operatorFindings, operatorState } from './operator-state.ts'
import { exitCodeOf, limitedBy, type ReportFinding } from './report-finding.ts'
import { conditionFindings, rowFindings, rowsOf } from './rows.ts'
import { seenOf, spireSightFor, spireState } from './spire-state.ts'
import { dependencyFindings, statusReport, type Overview } from './status-report.ts'
import { statusLines } from './status-text.ts'

export type StatusOptions = {
  /** The namespace to look at. Undefined for all; if these may not be seen, that of the context is looked at. */
  readonly namespace: string | undefined
  /** Whether nothing less than all namespaces will do. */
  readonly all: boolean
  /** The namespace of the operator; that of its Deployment, where undefined. */
  readonly operatorNamespace: string | undefined
  readonly format: Format
  /** Whether warnings count. */
  readonly strict: boolean
  /** Whether to go on and print what changes. */
  readonly watch: boolean
}

type Reach = Pick<ClusterReads, 'defaultNamespace' | 'readCluster' | 'readOperator' | 'readSpire'> & {
  readonly now: Date
  /** The version of this program. */
  readonly version: string
} & Omit<Style, 'format'>

/** Says how the operator and the bindings of a cluster are, as it and their statuses have it. Only reads. */
export async function status(options: StatusOptions, reach: Reach): Promise<CommandResult> {
  const { format, strict, operatorNamespace } = options
  const { now, version, width, colored } = reach
  const { snapshot, namespace, narrowed } = await readBindings(options, reach)
  if (snapshot.kind === 'problem') return usage([snapshot.problem])
  const { manifests, served, unread = [], unseen: missed = [] } = snapshot
  const seesOutputs = missed.every(({ resource }) => resource !== clusterSpiffeIdResource)
  const outputs = seenOf(manifests)
  const spire = await spireSightFor(outputs, reach)
  const operator = operatorState(await reach.readOperator(operatorNamespace), now)
  const overview: Overview = {
    namespace,
    served,
    unread,
    manifests,
    bindings: rowsOf(manifests, { outputs, spire, now }),
    operator,
    spire: seesOutputs ? spireState(outputs) : undefined,
    unseen: [
      ...(narrowed === undefined ? [] : [narrowed]),
      ...missed.map(({ resource, why }) => `${crdName(resource)}: ${why}`),
      ...(operator.unseen === null ? [] : [`the operator: ${operator.unseen}`]),
    ],
  }
  const findings: readonly ReportFinding[] = [
    ...operatorFindings(operator),
    ...dependencyFindings(overview),
    ...overview.bindings.flatMap((row) => [...rowFindings(row), ...conditionFindings(row)]),
    ...limitedBy(overview.unseen),
  ]
  return {
    code: exitCodeOf(findings, strict),
    stdout: laidOut(
      statusReport(overview, findings, { now, version }),
      statusLines(overview, findings, { now, width }),
      { format, width, colored },
      findings.some(({ severity }) => severity === 'error'),
    ),
    stderr: '',
  }
}

type Bindings = {
  readonly snapshot: ClusterSnapshot
  readonly namespace: string | undefined
  /** Why only one namespace was looked at, where nobody asked for that. */
  readonly narrowed?: string
}

async function readBindings(
  { namespace, all }: StatusOptions,
  { readCluster, defaultNamespace }: Reach,
): Promise<Bindings> {
  const scope = { kinds: [bindingResource, clusterSpiffeIdResource], inParts: true }
  const snapshot = await readCluster({ namespace, ...scope })
  const isTooMuch = snapshot.kind === 'problem' && snapshot.forbidden === true
  if (!isTooMuch || namespace !== undefined || all) return { snapshot, namespace }
  const own = await defaultNamespace()
  return {
    snapshot: await readCluster({ namespace: own, ...scope }),
    namespace: own,
    narrowed: `other namespaces: ${snapshot.problem}`,
  }
}
