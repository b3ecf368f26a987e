import { trustDomainMissing } from '../config.ts'
import { actions as knownActions, rules, type Action } from '../core/findings.ts'
import type { Settings } from '../core/identity.ts'
import { field, type JsonObject } from '../core/json.ts'
import { problemsOf, type OperatorStatus } from '../core/operator-status.ts'
import type { AdmissionActions } from '../core/reference-verdict.ts'
import type { ActionOverrides } from '../core/verdict.ts'
import type { ReadOperator } from './cluster.ts'

/** What the command line and the environment say, and what of it was said at all. */
export type Asked = {
  readonly settings: Settings
  readonly actions: AdmissionActions
  readonly isGiven: {
    readonly trustDomain: boolean
    readonly className: boolean
    readonly onReferences: boolean
    readonly onLoss: boolean
  }
}

/** By what verdicts are given. */
export type Instructions =
  | {
      readonly kind: 'instructions'
      readonly settings: Settings
      readonly actions: AdmissionActions
      /** What was heard of the operator, in the JSON; undefined where nobody asked. */
      readonly operator: JsonObject | undefined
      /** The same for people. */
      readonly remarks: readonly string[]
    }
  | { readonly kind: 'problem'; readonly problem: string }

type Wanted = { readonly asked: Asked; readonly live: boolean; readonly operatorNamespace: string }
type Reach = { readonly now: Date; readonly readOperator: ReadOperator }

/** Live, what no flag says is as the operator of the cluster has it. */
export async function instruct(
  { asked, live, operatorNamespace: namespace }: Wanted,
  { now, readOperator }: Reach,
): Promise<Instructions> {
  const { settings, actions, isGiven } = asked
  if (!live) return { kind: 'instructions', settings, actions, operator: undefined, remarks: [] }
  const sight = await readOperator(namespace)
  const status = sight.kind === 'seen' ? sight.status : undefined
  if (!status) {
    const why =
      sight.kind === 'unseen'
        ? sight.why
        : `no operator has said in namespace ${namespace} how it is configured`
    if (!isGiven.trustDomain) return { kind: 'problem', problem: `${trustDomainMissing}; ${why}` }
    return {
      kind: 'instructions',
      settings,
      actions,
      operator: { namespace, unseen: why },
      remarks: [`judged by flags and defaults: ${why}`],
    }
  }
  const merged = mergedWith(status, asked)
  const problems = problemsOf(status, now)
  return {
    kind: 'instructions',
    ...merged,
    operator: {
      namespace,
      trustDomain: merged.settings.trustDomain,
      className: merged.settings.className ?? null,
      actions: merged.actions,
      problems,
    },
    remarks: [
      `judged as the operator in ${namespace} is configured: ${inWords(merged)}`,
      ...problems.map((problem) => `the operator: ${problem}`),
    ],
  }
}

type Merged = { readonly settings: Settings; readonly actions: AdmissionActions }

function mergedWith({ configuration }: OperatorStatus, { settings, actions, isGiven }: Asked): Merged {
  const { trustDomain, className, flags } = configuration
  const flag = (name: string, otherwise: Action): Action =>
    knownActions.find((known) => known === field(flags, name)) ?? otherwise
  return {
    settings: {
      trustDomain: isGiven.trustDomain ? settings.trustDomain : trustDomain,
      className: isGiven.className ? settings.className : className,
    },
    actions: {
      onReferences: isGiven.onReferences
        ? actions.onReferences
        : flag('webhook-on-references', actions.onReferences),
      onLoss: isGiven.onLoss ? actions.onLoss : flag('webhook-on-loss', actions.onLoss),
      overrides: { ...changed(configuration.actions), ...actions.overrides },
    },
  }
}

/** Those that are not the default: an action that is set counts for references, too. */
const changed = (actions: ActionOverrides): ActionOverrides =>
  Object.fromEntries(
    Object.entries(actions).filter(
      ([reason, action]) =>
        !Object.values(rules).some(
          (rule) => rule.configurable && rule.reason === reason && rule.action === action,
        ),
    ),
  )

const inWords = ({ settings, actions }: Merged): string =>
  [
    `trust domain ${settings.trustDomain}`,
    settings.className === undefined ? 'no class' : `class ${settings.className}`,
    ...Object.entries(actions.overrides).map(([reason, action]) => `${reason}=${action}`),
    `on references ${actions.onReferences}`,
    `on loss ${actions.onLoss}`,
  ].join(', ')
