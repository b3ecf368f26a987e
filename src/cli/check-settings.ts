import { trustDomainMissing } from '../config.ts'
import { actions as knownActions, rules, type Action } from '../core/findings.ts'
import type { Settings } from '../core/identity.ts'
import { field, type JsonObject } from '../core/json.ts'
import { problemsOf, type OperatorStatus } from '../core/operator-status.ts'
import type { AdmissionActions } from '../core/reference-verdict.ts'
import type { ActionOverrides } from '../core/verdict.ts'
import type { ReadOperator } from './cluster.ts'

/** The settings from the command line and the environment, and which of them were given. */
export type AskedSettings = {
  readonly settings: Settings
  readonly actions: AdmissionActions
  readonly isGiven: {
    readonly trustDomain: boolean
    readonly className: boolean
    readonly onReferences: boolean
    readonly onLoss: boolean
  }
}

/** The settings that verdicts are made with. */
export type CheckSettings =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly actions: AdmissionActions
      /** False if the operator does not look at pods. */
      readonly looksAtPods: boolean
      /** The operator's state for the JSON report; undefined if it was not asked for. */
      readonly operator: JsonObject | undefined
      /** The same for people. */
      readonly remarks: readonly string[]
    }
  | { readonly kind: 'problem'; readonly problem: string }

type SettingsQuestion = {
  readonly asked: AskedSettings
  readonly live: boolean
  readonly operatorNamespace: string
}
type Reach = { readonly now: Date; readonly readOperator: ReadOperator }

/** The settings for a check. Live, settings that no flag gives are taken from the operator in the cluster. */
export async function settingsOfCheck(
  { asked, live, operatorNamespace: namespace }: SettingsQuestion,
  { now, readOperator }: Reach,
): Promise<CheckSettings> {
  const { settings, actions, isGiven } = asked
  if (!live)
    return { kind: 'settings', settings, actions, looksAtPods: false, operator: undefined, remarks: [] }
  const sight = await readOperator(namespace)
  const status = sight.kind === 'seen' ? sight.status : undefined
  if (!status) {
    const why =
      sight.kind === 'unseen'
        ? sight.why
        : (sight.unseen?.status ?? `no operator has said in namespace ${namespace} how it is configured`)
    if (!isGiven.trustDomain) return { kind: 'problem', problem: `${trustDomainMissing}; ${why}` }
    return {
      kind: 'settings',
      settings,
      actions,
      looksAtPods: true,
      operator: { namespace, unseen: why },
      remarks: [`judged by flags and defaults: ${why}`],
    }
  }
  const merged = mergedWith(status, asked)
  const problems = problemsOf(status, now)
  const looksAtPods = field(status.configuration.flags, 'workloads') !== false
  return {
    kind: 'settings',
    ...merged,
    looksAtPods,
    operator: {
      namespace,
      trustDomain: merged.settings.trustDomain,
      className: merged.settings.className ?? null,
      actions: merged.actions,
      workloads: looksAtPods,
      problems,
    },
    remarks: [
      `judged as the operator in ${namespace} is configured: ${inWords(merged)}${looksAtPods ? '' : ', without a look at pods'}`,
      ...problems.map((problem) => `the operator: ${problem}`),
    ],
  }
}

type JudgingSettings = { readonly settings: Settings; readonly actions: AdmissionActions }

function mergedWith(
  { configuration }: OperatorStatus,
  { settings, actions, isGiven }: AskedSettings,
): JudgingSettings {
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

/**
 * The actions that differ from the default. Only those are passed on, because an action that is set also counts for
 * references.
 */
const changed = (actions: ActionOverrides): ActionOverrides =>
  Object.fromEntries(
    Object.entries(actions).filter(
      ([reason, action]) =>
        !Object.values(rules).some(
          (rule) => rule.configurable && rule.reason === reason && rule.action === action,
        ),
    ),
  )

const inWords = ({ settings, actions }: JudgingSettings): string =>
  [
    `trust domain ${settings.trustDomain}`,
    settings.className === undefined ? 'no class' : `class ${settings.className}`,
    ...Object.entries(actions.overrides).map(([reason, action]) => `${reason}=${action}`),
    `on references ${actions.onReferences}`,
    `on loss ${actions.onLoss}`,
  ].join(', ')
