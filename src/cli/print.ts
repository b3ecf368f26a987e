import { stringify } from 'yaml'
import { findingLine, rules } from '../core/findings.ts'
import type { JsonObject } from '../core/json.ts'
import type { JudgedFinding } from '../core/verdict.ts'
import type { Assessment } from './assess.ts'
import type { Format } from './formats.ts'

/** A report for programs. */
export const printed = (report: unknown, format: Exclude<Format, 'text'>): string =>
  format === 'yaml'
    ? stringify(report, { lineWidth: 0, aliasDuplicateObjects: false })
    : `${JSON.stringify(report, undefined, 2)}\n`

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
