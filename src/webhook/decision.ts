import type { Appraisal } from '../core/appraise.ts'
import type { Binding } from '../core/binding.ts'
import { causeWords, explain, findingLine, rules, type CauseType, type Finding } from '../core/findings.ts'
import { bindingResource } from '../core/resources.ts'
import type { JudgedFinding, Verdict } from '../core/verdict.ts'
import type { AdmissionRequest, AdmissionResponse, ReviewEnd, StatusCause } from './admission-review.ts'
import { shownName } from './names.ts'

/** The decision about a binding and everything that the answer says about it. */
export type Decision = {
  readonly binding: Binding
  readonly appraisal: Appraisal
  readonly verdict: Verdict
  /** Warnings about the request beside those for the findings. */
  readonly remarks: readonly string[]
}

/** The answer to a request whose verdict is not a denial. */
export const allowed = (decision: Decision, patch: readonly unknown[] = []): AdmissionResponse => ({
  kind: 'allowed',
  warnings: warningsOf(decision),
  auditAnnotations: notes(decision),
  end: endOf(decision),
  patch,
})

/** A denial as the API server makes its own of an invalid object, so that kubectl prints a line for each cause. */
export function denied(request: AdmissionRequest, decision: Decision): AdmissionResponse {
  const { verdict } = decision
  const { kind, group } = bindingResource
  const refusals = verdict.findings.filter(({ action }) => action === 'deny')
  const name = shownName(request)
  // Two pools that a reference can lead to may give the same cause twice.
  const causes = [...new Map(refusals.map((finding) => [findingLine(finding), causeOf(finding)]))]
  return {
    kind: 'denied',
    warnings: warningsOf(decision),
    auditAnnotations: notes(decision),
    end: endOf(decision),
    status: {
      code: 422,
      reason: 'Invalid',
      message: [`The ${kind} "${name}" is invalid:`, ...causes.map(([line]) => `* ${line}`)].join('\n'),
      details: { name, group, kind, causes: causes.map(([, cause]) => cause) },
    },
  }
}

const causeOf = (finding: Finding): StatusCause => ({
  reason: causeReasons[finding.cause],
  field: finding.field,
  message: `${causeWords(finding)}: ${explain(finding)}`,
})

/** metav1.CauseType, in k8s.io/apimachinery/pkg/apis/meta/v1. */
const causeReasons = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  Forbidden: 'FieldValueForbidden',
  Duplicate: 'FieldValueDuplicate',
  NotFound: 'FieldValueNotFound',
} as const satisfies Record<CauseType, string>

const warningsOf = ({ verdict, remarks }: Decision): readonly string[] => [
  ...verdict.findings.filter(({ action }) => action === 'warn').map(findingLine),
  ...remarks,
]

/** The audit annotations of a decision. The API server prefixes each key with the webhook's name. */
function notes({
  appraisal: {
    evaluation: { identity },
  },
  verdict,
}: Decision): Readonly<Record<string, string>> {
  const reasons = reasonsIn(verdict)
  return {
    decision: verdict.verdict,
    ...(reasons.length > 0 && { reasons: reasons.join(',') }),
    ...(identity && { 'spiffe-id': identity.spiffeId }),
    ...(identity?.collisionKey !== undefined && { 'collision-key': identity.collisionKey }),
  }
}

function endOf({ verdict, remarks }: Decision): ReviewEnd {
  const [reason] = reasonsIn(verdict)
  return { decision: verdict.verdict === 'allow' && remarks.length > 0 ? 'warn' : verdict.verdict, reason }
}

/** The reasons of the findings, each once. Those that refuse come first, because a denial is counted by the first reason. */
function reasonsIn({ findings }: Verdict): readonly string[] {
  const reported = [...findings.filter(({ action }) => action === 'deny'), ...findings.filter(isReported)]
  return [...new Set(reported.map(({ rule }) => rules[rule].reason))]
}

export const isReported = ({ action }: JudgedFinding): boolean => action !== 'ignore'
