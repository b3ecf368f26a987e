import { stringify } from 'yaml'
import { causeWords, explain, rules } from '../core/findings.ts'
import type { JsonObject } from '../core/json.ts'
import { printable } from '../core/show.ts'
import type { JudgedFinding } from '../core/verdict.ts'
import type { Assessment } from './assess.ts'
import type { Format } from './formats.ts'

/** Prints a report in the requested form. The lines are for people and are made safe for terminals. */
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

export const findingOf = ({ rule, action, field, value, message }: JudgedFinding): JsonObject => ({
  condition: rules[rule].condition,
  reason: rules[rule].reason,
  action,
  field,
  value: value ?? null,
  message,
})

/** The findings of admission, one line each. */
export const findingLines = ({ verdict }: Pick<Assessment, 'verdict'>): readonly string[] =>
  verdict.findings
    .filter(({ action }) => action !== 'ignore')
    .map((finding) => `${finding.action} ${findingLine(finding)}`)

/** A finding in the webhook's words. */
export const findingLine = (finding: JudgedFinding): string =>
  `${finding.field}: ${causeWords(finding)}: ${explain(finding)}`
