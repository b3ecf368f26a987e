import { rules, type Action, type Finding, type RuleName } from './findings.ts'
import { sameJson } from './json.ts'
import { isOfTheSpec } from './spec-failures.ts'

/** The actions of `--webhook-action`, by reason. */
export type ActionOverrides = { readonly [reason: string]: Action }

export type JudgedFinding = Finding & { readonly action: Action }

export type Verdict = {
  readonly verdict: 'allow' | 'warn' | 'deny'
  readonly findings: readonly JudgedFinding[]
}

/**
 * Judges the findings on an object after a request. Only new harm is refused. A finding that was there `before` is a
 * warning, because refusing it would keep users from repairing an object step by step.
 */
export function judge(
  after: readonly Finding[],
  before: readonly Finding[],
  overrides: ActionOverrides,
): Verdict {
  const findings = after.map((finding) => {
    const action = actionOf(finding.rule, overrides)
    const isOld = before.some((earlier) => isSameHarm(earlier, finding))
    return { ...finding, action: action === 'deny' && isOld ? 'warn' : action } as const
  })
  return verdictOf(findings)
}

/** The findings that were not there before. */
export const newIn = ({ findings }: Verdict, before: readonly Finding[]): readonly JudgedFinding[] =>
  findings.filter((one) => !before.some((earlier) => isSameHarm(earlier, one)))

/** The same findings, with every refusal turned into a warning. */
export const lenient = ({ findings }: Verdict): Verdict =>
  verdictOf(findings.map((finding) => (finding.action === 'deny' ? { ...finding, action: 'warn' } : finding)))

/**
 * The verdict of an API server whose webhook turns every refusal into a warning. The rules of the CustomResourceDefinition
 * refuse by themselves what the spec alone shows to be wrong.
 */
export const lenientButForTheSpec = ({ findings }: Verdict): Verdict =>
  verdictOf(
    findings.map((finding) =>
      finding.action === 'deny' && !isOfTheSpec(finding.rule) ? { ...finding, action: 'warn' } : finding,
    ),
  )

/** The verdict on several findings: the strongest of their actions. */
export function verdictOf(findings: readonly JudgedFinding[]): Verdict {
  const has = (action: Action): boolean => findings.some((finding) => finding.action === action)
  return { verdict: has('deny') ? 'deny' : has('warn') ? 'warn' : 'allow', findings }
}

function actionOf(name: RuleName, overrides: ActionOverrides): Action {
  const rule = rules[name]
  return (rule.configurable ? overrides[rule.reason] : undefined) ?? rule.action
}

/** Whether two findings are the same failure, so that a request does not cause it anew. */
export const isSameHarm = (a: Finding, b: Finding): boolean =>
  a.rule === b.rule && a.field === b.field && sameJson(a.value, b.value) && a.collisionKey === b.collisionKey
