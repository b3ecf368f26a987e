import { rules, explain, type Action, type Finding } from './findings.ts'
import type { Consequence } from './consequences.ts'
import type { ActionOverrides } from './verdict.ts'

/** What admission does about what a pool or an objective does to bindings. */
export type AdmissionActions = {
  /** `--webhook-on-references`: a binding would get no identity, for a reason that is refused in a binding. */
  readonly onReferences: Action
  /** `--webhook-on-loss`: a binding would lose the identity that it has, for any other reason. */
  readonly onLoss: Action
  /** `--webhook-action`, which counts where it is weaker. */
  readonly overrides: ActionOverrides
}

export type JudgedConsequence = Consequence & { readonly action: Action }

export type ReferenceVerdict = {
  readonly verdict: 'allow' | 'warn' | 'deny'
  readonly consequences: readonly JudgedConsequence[]
}

/** @param mayDeny false for a deletion, and where a namespace asks for warnings alone */
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

function actionOn(consequence: Consequence, { onReferences, onLoss, overrides }: AdmissionActions): Action {
  switch (consequence.kind) {
    case 'harm':
      return weaker(onReferences, configured(consequence.finding, overrides))
    case 'loss':
      return weaker(onLoss, configured(consequence.finding, overrides))
    case 'widening':
      return 'warn'
  }
}

/** Where nothing is said of a reason, the flag for references alone decides. */
const configured = ({ rule }: Finding, overrides: ActionOverrides): Action =>
  overrides[rules[rule].reason] ?? 'deny'

const strength = { ignore: 0, warn: 1, deny: 2 } as const satisfies Record<Action, number>

const weaker = (a: Action, b: Action): Action => (strength[a] < strength[b] ? a : b)

/** A consequence in a line. Bindings are of the namespace of the object that is judged. */
export function consequenceLine(consequence: Consequence): string {
  const { namespace, name } = consequence.binding
  switch (consequence.kind) {
    case 'harm':
      return `InferenceIdentityBinding ${name} would get no identity: ${explain(consequence.finding)}`
    case 'loss':
      return `InferenceIdentityBinding ${namespace}/${name} loses its identity: ${explain(consequence.finding)}`
    case 'widening':
      return `InferenceIdentityBinding ${name} gives ${consequence.spiffeId} to pods labelled ${consequence.after.join(', ')} by this change, no longer to those labelled ${consequence.before.join(', ')}`
  }
}
