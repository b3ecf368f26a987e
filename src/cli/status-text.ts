import {
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
  poolResources,
  type Resource,
} from '../core/resources.ts'
import { unreadWords } from '../core/unread.ts'
import { block, spanOf, table } from './layout.ts'
import { operatorLines } from './operator-state.ts'
import { reportLine, gradeOfFindings, type ReportFinding } from './report-finding.ts'
import { gradeOfRow, type Row } from './rows.ts'
import type { SpireState } from './spire-state.ts'
import { unservedIn, versionsOf, type Overview } from './status-report.ts'

/** The report for people: how it all is, the operator, the bindings with the longest broken first, what they depend on. */
export function statusLines(
  overview: Overview,
  findings: readonly ReportFinding[],
  { now, width }: { readonly now: Date; readonly width: number | undefined },
): readonly string[] {
  const { operator, bindings, namespace } = overview
  // Findings on bindings and on the operator are printed beside these.
  const others = findings.filter((one) => !one.id.startsWith('operator-') && !isOnBinding(one))
  return [
    headline(overview, findings),
    ...block('Kleym', operatorLines(operator, now)),
    ...block(
      namespace === undefined ? 'Bindings' : `Bindings of namespace ${namespace}`,
      bindingLines(bindings, width),
    ),
    ...block('Dependencies', dependencyLines(overview)),
    ...block('Findings', others.map(reportLine)),
  ]
}

const isOnBinding = ({ affectedRefs }: ReportFinding): boolean =>
  affectedRefs.some(({ kind, name }) => kind === bindingResource.kind && name !== undefined)

function headline({ bindings, operator }: Overview, findings: readonly ReportFinding[]): string {
  const well = bindings.filter((row) => gradeOfRow(row) === 'ok').length
  const words = [
    ...(operator.problems.length > 0 ? ['the operator does not work'] : []),
    bindings.length === 0 ? 'no bindings' : `${well} of ${bindings.length} bindings are well`,
    ...(findings.some(({ id }) => id === 'crd-missing') ? ['a kind is missing'] : []),
  ]
  return `${gradeOfFindings(findings)}: ${words.join(', ')}`
}

function bindingLines(bindings: readonly Row[], width: number | undefined): readonly string[] {
  if (bindings.length === 0) return [`there is no ${bindingResource.kind}`]
  const counts = Map.groupBy(bindings, ({ condition, reason }) => `${condition}/${reason}`)
  const sums = [...counts].map(([summary, members]) => `${members.length} ${summary}`)
  const broken = bindings.filter((row) => gradeOfRow(row) !== 'ok').toSorted(longestFirst)
  const well = bindings.filter((row) => gradeOfRow(row) === 'ok')
  return [
    `${bindings.length} in all: ${sums.join(', ')}`,
    ...fitting([...broken, ...well], width),
    ...broken.map(
      ({ namespace, name, seconds, ...row }) =>
        `${namespace}/${name}${seconds === null ? '' : `, for ${spanOf(seconds * 1000)}`}: ${wordsOf(row)}`,
    ),
  ]
}

/** Errors before what is only on its way; of those, what has been so the longest. */
const longestFirst = (a: Row, b: Row): number =>
  Number(gradeOfRow(a) !== 'error') - Number(gradeOfRow(b) !== 'error') || (b.seconds ?? 0) - (a.seconds ?? 0)

function wordsOf(row: Omit<Row, 'namespace' | 'name' | 'seconds'>): string {
  const { deleting, hangs, current, ready, message, unprocessed } = row
  if (deleting) return hangs ?? 'it is being deleted'
  if (unprocessed !== null) return unprocessed
  return `${current || ready === 'Unknown' ? '' : '(of an earlier generation) '}${message}`
}

const columns = ['NAMESPACE', 'NAME', 'MODE', 'READY', 'REASON', 'SPIFFE ID']

/** A table that does not fit is shown without its last columns, which `inspect` shows as well. */
function fitting(bindings: readonly Row[], width: number | undefined): readonly string[] {
  const rows = [
    columns,
    ...bindings.map((row) => [row.namespace, row.name, row.mode, row.ready, row.reason, row.spiffeID ?? '']),
  ]
  for (let count = columns.length; count > 2; count -= 1) {
    const lines = table(rows.map((row) => row.slice(0, count)))
    if (width === undefined || lines.every((line) => line.length <= width - 2)) return lines
  }
  return table(rows.map((row) => row.slice(0, 2)))
}

function dependencyLines(overview: Overview): readonly string[] {
  const { served, unread, spire } = overview
  const line = (kind: string, row: readonly Resource[]): string => {
    const { missing, text } = versionsOf(served, ...row)
    const lacking = unread.some(({ resource }) => row.includes(resource)) ? 'not read' : 'not served'
    return `${kind}: ${missing ? lacking : `served, ${text}`}`
  }
  return [
    line('ClusterSPIFFEID', [clusterSpiffeIdResource]),
    ...(spire ? [`SPIRE Controller Manager: ${spireWords(spire)}`] : []),
    line('InferencePool', poolResources),
    line('InferenceObjective', objectiveResources),
    ...unservedIn(overview).map((one) => `not served: ${gvk(one)}`),
    ...unread.map((one) => `not read: ${unreadWords(one)}`),
  ]
}

function spireWords({ processed, notProcessed, failing, fates }: SpireState): string {
  const masked = fates.masked === undefined ? '' : `, of which ${fates.masked} masked`
  return `${processed} ClusterSPIFFEID${processed === 1 ? '' : 's'} processed${masked}, ${notProcessed} not yet, ${failing} failing`
}
