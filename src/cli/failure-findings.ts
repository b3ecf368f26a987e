import { fixesOf, rules, type Condition } from '../core/findings.ts'
import { splitKept, stalledFixes } from '../core/plan.ts'
import { unreadFix } from '../core/unread.ts'
import type { ObjectRef, ReportFinding } from './report-finding.ts'

const conditionIds = {
  Conflict: 'kleym-collision',
  InvalidRef: 'invalid-ref',
  UnsafeSelector: 'unsafe-selector',
  RenderFailure: 'render-failure',
} as const satisfies { readonly [type in Condition]: string }

export const isFailureCondition = (type: string): type is Condition => Object.hasOwn(conditionIds, type)

type Failed = {
  readonly type: Condition
  readonly reason: string
  readonly problem: string
  readonly fix: string | undefined
}

/**
 * The findings on a condition that has failed: one by the condition and, where something that a binding depends on is missing,
 * one on that.
 */
export function failureFindings(
  { type, reason, problem, fix }: Failed,
  affectedRefs: readonly ObjectRef[],
): readonly ReportFinding[] {
  const about = (id: string, message: string): ReportFinding => ({
    id,
    severity: 'error',
    reason,
    message,
    affectedRefs,
    ...(fix !== undefined && { fix }),
  })
  return [
    about(conditionIds[type], `${type}/${reason}: ${problem}`),
    ...(isDependency(reason) ? [about('dependency-missing', problem)] : []),
  ]
}

const isDependency = (reason: string): boolean => /(?:NotFound|CRDMissing)$/.test(reason)

/** Splits a message of ours into problem and fix. Only the message of a collision contains no fix. */
export function explained(
  reason: string,
  message: string,
): { readonly problem: string; readonly fix: string } {
  const { problem: words, kept } = splitKept(message)
  const mine = Object.values(rules).filter((rule) => rule.reason === reason)
  const stalled = reason === rules.managedOutputApplyFailed.reason ? Object.values(stalledFixes) : []
  const written = [...mine.flatMap(fixesOf), ...stalled, unreadFix].find((fix) => words.endsWith(`; ${fix}`))
  return written !== undefined
    ? { problem: `${words.slice(0, -written.length - 2)}${kept}`, fix: written }
    : { problem: message, fix: mine[0]?.fix ?? 'see the log of the operator' }
}
