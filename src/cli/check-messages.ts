import { findingLine, rules, type Action } from '../core/findings.ts'
import type { JsonObject } from '../core/json.ts'
import { consequenceLine } from '../core/reference-verdict.ts'
import { completedFix, isRefusedCollision, type Remark } from '../core/remarks.ts'
import { printable } from '../core/show.ts'
import type { JudgedFinding, Verdict } from '../core/verdict.ts'
import type { SchemaCause } from '../schema/cause.ts'
import type { Path } from '../schema/path.ts'
import type { Checked } from './assess.ts'
import { nameWords } from './item-names.ts'
import type { SourcePosition } from './manifests.ts'
import { findingOf } from './print.ts'

/** One thing that `kleym check` says about an object, for people and for machines. */
export type CheckMessage = {
  readonly action: Action
  /** The line in its file; undefined for an object from the cluster. */
  readonly line: number | undefined
  /** A name for this kind of problem, for machines. */
  readonly reason: string
  readonly text: string
  /** What the user could have meant, or can do. */
  readonly hint: string | undefined
  readonly json: JsonObject
}

/** The message with its hint, for reports without indentation. */
export const fullTextOf = ({ text, hint }: Pick<CheckMessage, 'text' | 'hint'>): string =>
  printable(hint === undefined ? text : `${text}; ${hint}`)

export const objectName = (checked: Checked): string =>
  nameWords(checked.kind === 'binding' ? checked.assessment : checked.item)

/**
 * The message with its hint, for reports that tell an object by its file and line alone: that of an object without a file
 * begins with its namespace and name.
 */
export const placedTextOf = (message: CheckMessage, checked: Checked): string =>
  placeOf(checked) ? fullTextOf(message) : `${objectName(checked)}: ${fullTextOf(message)}`

export const placeOf = ({ item }: Checked): SourcePosition | undefined => item?.place

/**
 * All messages about an object: the causes of the API server, the findings of admission, and oddities of its YAML. Of what it is
 * told to ignore, admission says nothing.
 */
export const messagesOf = (checked: Checked): readonly CheckMessage[] =>
  allMessagesOf(checked).filter(({ action }) => action !== 'ignore')

function allMessagesOf(checked: Checked): readonly CheckMessage[] {
  const { item } = checked
  const findings = findingsOf(checked)
  const causes = item?.causes ?? []
  return [
    ...findings.map((finding) => ofFinding(finding, checked)),
    ...(checked.kind === 'binding' ? checked.remarks.map((remark) => ofRemark(remark, item?.place)) : []),
    ...causes.filter((cause) => !isCovered(cause, findings)).map((cause) => ofCause(cause, item?.place)),
    ...(checked.kind === 'target' ? consequencesOf(checked) : []),
    ...(item?.oddities ?? []).map(({ line, message }): CheckMessage => ({
      action: 'warn',
      line,
      reason: 'Oddity',
      text: message,
      hint: undefined,
      json: schemaFinding({ reason: 'Oddity', action: 'warn', field: '', value: null, message, line }),
    })),
  ]
}

function findingsOf(checked: Checked): readonly JudgedFinding[] {
  switch (checked.kind) {
    case 'binding':
      return checked.assessment.verdict.findings
    case 'other':
      return checked.findings
    case 'target':
      return []
  }
}

/** The strongest action. */
export function outcomeOf(checked: Checked): Verdict['verdict'] {
  const actions = new Set(messagesOf(checked).map(({ action }) => action))
  return actions.has('deny') ? 'deny' : actions.has('warn') ? 'warn' : 'allow'
}

/** Whether admission refuses the same field, or a part of it. Its words say more than those of the schema. */
const isCovered = ({ reason, field }: SchemaCause, findings: readonly JudgedFinding[]): boolean =>
  reason.startsWith('FieldValue') &&
  findings.some(
    (finding) =>
      finding.action === 'deny' && (finding.field === field || finding.field.startsWith(`${field}.`)),
  )

function ofFinding(finding: JudgedFinding, checked: Checked): CheckMessage {
  const line = placeOf(checked)?.lineOf(finding.field.split('.'))
  const hint = checked.kind === 'binding' ? checked.hint(finding) : undefined
  return {
    action: finding.action,
    line,
    reason: rules[finding.rule].reason,
    text: findingLine(finding),
    hint,
    json: {
      ...findingOf(finding),
      ...(line !== undefined && { line }),
      ...(hint !== undefined && { hint }),
    },
  }
}

function ofRemark(
  { reason, path, field, value, line: text }: Remark,
  place: SourcePosition | undefined,
): CheckMessage {
  const line = place?.lineOf(path)
  return {
    action: 'warn',
    line,
    reason,
    text,
    hint: undefined,
    json: {
      condition: rules.identityCollision.condition,
      reason,
      action: 'warn',
      field,
      value: value ?? null,
      message: text,
      ...(line !== undefined && { line }),
    },
  }
}

function ofCause(
  { reason, field, path, value, message }: SchemaCause,
  place: SourcePosition | undefined,
): CheckMessage {
  const line = place?.lineOf(path)
  return {
    action: 'deny',
    line,
    reason,
    text: reason === 'NotServed' ? message : `${field}: ${message}`,
    hint: undefined,
    json: schemaFinding({ reason, action: 'deny', field, value, message, line }),
  }
}

/** A message of the schema in the form of a finding, so that scripts read both alike. */
const schemaFinding = ({ value, ...rest }: JsonObject): JsonObject => ({
  condition: 'Schema',
  ...rest,
  value: value ?? null,
})

const consequencesOf = ({ item, verdict }: Extract<Checked, { kind: 'target' }>): readonly CheckMessage[] => {
  const field: Path = ['spec', item.kind === 'InferencePool' ? 'selector' : 'poolRef']
  return verdict.consequences.map((one) => {
    const text = consequenceLine(one)
    const isCollision = one.kind !== 'otherPods' && isRefusedCollision({ ...one.finding, action: one.action })
    const hint = isCollision ? completedFix(item.kind) : undefined
    return {
      action: one.action,
      line: item.place.lineOf(field),
      // The reason's name is older than selectors that move to other pods without a widening. Who reads SARIF goes by it.
      reason: one.kind === 'otherPods' ? 'Widening' : rules[one.finding.rule].reason,
      text,
      hint,
      json: {
        binding: one.binding.name,
        action: one.action,
        message: text,
        ...(hint !== undefined && { hint }),
      },
    }
  })
}

export type Counts = { readonly checked: number; readonly denied: number; readonly warned: number }

export function countsOf(all: readonly Checked[]): Counts {
  const outcomes = all.map(outcomeOf)
  return {
    checked: outcomes.length,
    denied: outcomes.filter((one) => one === 'deny').length,
    warned: outcomes.filter((one) => one === 'warn').length,
  }
}

export const countsLine = ({ checked, denied, warned }: Counts): string =>
  `${checked} checked, ${denied} denied, ${warned} warned`
