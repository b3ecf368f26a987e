import { stringify } from 'yaml'
import { modes } from '../core/binding.ts'
import { summaryIn } from '../core/conditions.ts'
import { causeWords, explain, rules } from '../core/findings.ts'
import type { JsonObject } from '../core/json.ts'
import { consequenceLine } from '../core/reference-verdict.ts'
import { printable, show } from '../core/show.ts'
import type { JudgedFinding } from '../core/verdict.ts'
import type { Assessment, Assessments, ReferenceAssessment } from './assess.ts'

export const formats = ['text', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** A report in the form that is asked for; the lines are for people, and safe for their terminals. */
export function printed(report: unknown, lines: readonly string[], format: Format): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`
    case 'yaml':
      return stringify(report, { lineWidth: 0 })
    case 'text':
      return lines.map((line) => `${printable(line)}\n`).join('')
  }
}

export function print({ bindings, references }: Assessments, format: Format): string {
  switch (format) {
    case 'json': {
      const report = {
        bindings: bindings.map(jsonOf),
        references: references.filter(hasNews).map(referenceJson),
      }
      return `${JSON.stringify(report, undefined, 2)}\n`
    }
    case 'yaml':
      return yamlOf(bindings)
    case 'text':
      return [...bindings.map(textOf), ...references.filter(hasNews).map(referenceText)].join('')
  }
}

/** Of most pools and objectives there is nothing to say. */
export const hasNews = ({ verdict }: ReferenceAssessment): boolean => verdict.verdict !== 'allow'

const referenceJson = ({ resource, namespace, name, verdict }: ReferenceAssessment): JsonObject => ({
  group: resource.group,
  kind: resource.kind,
  namespace,
  name,
  verdict: verdict.verdict,
  consequences: verdict.consequences.map((one) => ({
    binding: one.binding.name,
    action: one.action,
    message: consequenceLine(one),
  })),
})

function referenceText({ resource, namespace, name, verdict }: ReferenceAssessment): string {
  const heading = `${verdict.verdict.padEnd(5)} ${namespace}/${name} (${resource.kind} of ${resource.group})`
  const lines = verdict.consequences
    .filter(({ action }) => action !== 'ignore')
    .map((one) => `  ${one.action} ${printable(consequenceLine(one))}`)
  return [heading, ...lines].map((line) => `${line}\n`).join('')
}

export const jsonOf = ({
  namespace,
  name,
  mode,
  verdict,
  status,
  clusterSpiffeId,
}: Assessment): JsonObject => ({
  namespace,
  name,
  mode,
  verdict: verdict.verdict,
  findings: verdict.findings.map(findingOf),
  status,
  clusterSPIFFEID: clusterSpiffeId ?? null,
})

const findingOf = ({ rule, action, field, value, message }: JudgedFinding): unknown => ({
  condition: rules[rule].condition,
  reason: rules[rule].reason,
  action,
  field,
  value: value ?? null,
  message,
})

/**
 * The ClusterSPIFFEIDs alone, sorted by name, so that two of these files differ only in what matters. A label
 * `yes` is quoted: kubectl reads YAML 1.1.
 */
function yamlOf(assessments: readonly Assessment[]): string {
  const outputs = new Map(
    assessments.flatMap(({ clusterSpiffeId }) =>
      clusterSpiffeId ? [[clusterSpiffeId.metadata.name, clusterSpiffeId]] : [],
    ),
  )
  return [...outputs]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, output]) => `---\n${stringify(output, { lineWidth: 0, compat: 'yaml-1.1' })}`)
    .join('')
}

/** What admission has to say, a line each. */
export const findingLines = ({ verdict }: Pick<Assessment, 'verdict'>): readonly string[] =>
  verdict.findings
    .filter(({ action }) => action !== 'ignore')
    .map((finding) => `${finding.action} ${finding.field}: ${causeWords(finding)}: ${explain(finding)}`)

function textOf({ namespace, name, mode, deleting, verdict, status, clusterSpiffeId }: Assessment): string {
  const heading = `${verdict.verdict.padEnd(5)} ${namespace}/${name} (${modes.find((known) => known === mode) ?? printable(show(mode))})`
  const findings = findingLines({ verdict }).map((line) => `  ${printable(line)}`)
  const output = clusterSpiffeId
    ? [
        `  ${String(clusterSpiffeId.spec['spiffeIDTemplate'])}`,
        `  ClusterSPIFFEID ${clusterSpiffeId.metadata.name}`,
      ]
    : deleting
      ? ['  it is being deleted']
      : verdict.verdict === 'deny'
        ? []
        : [`  not Ready if all of this were applied: ${summaryIn(status)?.reason ?? ''}`]
  return [heading, ...findings, ...output].map((line) => `${line}\n`).join('')
}
