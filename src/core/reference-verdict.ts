import type { Consequence } from './consequences.ts'
import { rules, explain, type Action, type Finding } from './findings.ts'
import type { ActionOverrides } from './verdict.ts'

/** The configured actions for changes of pools and objectives that harm bindings. */
export type AdmissionActions = {
  /**
   * `--webhook-on-references`: for a binding that would have no identity, for a reason for which a binding is
   * refused.
   */
  readonly onReferences: Action
  /** `--webhook-on-loss`: for a binding that would lose the identity that it has, for any other reason. */
  readonly onLoss: Action
  /** `--webhook-action`: the weaker of this action and the flag's counts. */
  readonly overrides: ActionOverrides
}

export type JudgedConsequence = Consequence & { readonly action: Action }

export type ReferenceVerdict = {
  readonly verdict: 'allow' | 'warn' | 'deny'
  readonly consequences: readonly JudgedConsequence[]
}

/** @param mayDeny false for a deletion, and in a namespace whose label asks for warnings only */
export function judgeConsequences(
  consequences: readonly Consequence[],
  actions: AdmissionActions,
  mayDeny: boolean,
): ReferenceVerdict {
  const judged = consequences.map((consequence) => {
    const action = actionOn(consequence, actions)
    return { ...consequence, action: action === 'deny' && !mayDeny ? ('warn' as const) : action }
  })
  const has = (action: Action): boolean => judged.some((one) => one.action === action)
  return { verdict: has('deny') ? 'deny' : has('warn') ? 'warn' : 'allow', consequences: judged }
}

/** What is done about a consequence, by the configured actions. */
export function actionOn(
  consequence: Consequence,
  { onReferences, onLoss, overrides }: AdmissionActions,
): Action {
  switch (consequence.kind) {
    case 'harm':
      return weaker(onReferences, configured(consequence.finding, overrides))
    case 'loss':
      return weaker(onLoss, configured(consequence.finding, overrides))
    case 'otherPods':
      return 'warn'
  }
}

/** A reason without its own action is decided by `--webhook-on-references` alone. */
const configured = ({ rule }: Finding, overrides: ActionOverrides): Action =>
  overrides[rules[rule].reason] ?? 'deny'

const strength = { ignore: 0, warn: 1, deny: 2 } as const satisfies Record<Action, number>

const weaker = (a: Action, b: Action): Action => (strength[a] < strength[b] ? a : b)

/** Describes a consequence in one line. */
export function consequenceLine(consequence: Consequence): string {
  const { namespace, name } = consequence.binding
  switch (consequence.kind) {
    case 'harm':
      return `InferenceIdentityBinding ${name} would get no identity: ${explain(consequence.finding)}`
    case 'loss':
      return `InferenceIdentityBinding ${namespace}/${name} loses its identity: ${explain(consequence.finding)}`
    case 'otherPods': {
      const { spiffeId, before, after } = consequence
      // Fewer labels select the pods of before and others; other labels select other pods.
      const isWider = after.every((pair) => before.includes(pair))
      return `InferenceIdentityBinding ${name} gives ${spiffeId} to pods labelled ${after.join(', ')} by this change, ${isWider ? 'no longer only' : 'instead of'} to those labelled ${before.join(', ')}`
    }
  }
}
