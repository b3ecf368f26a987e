import { show } from './show.ts'

/** The conditions that tell a failure, in the order in which a status shows them. */
export const failureConditions = ['Conflict', 'InvalidRef', 'UnsafeSelector', 'RenderFailure'] as const
export type Condition = (typeof failureConditions)[number]

export const actions = ['deny', 'warn', 'ignore'] as const
export type Action = (typeof actions)[number]

/** The kinds of cause of the Kubernetes API (field.ErrorType): a reason for machines, words for people. */
export type CauseType = 'Required' | 'Invalid' | 'Forbidden' | 'Duplicate' | 'NotFound'

type Rule = {
  readonly reason: string
  readonly condition: Condition
  /** What admission does unless `--webhook-action` says otherwise. */
  readonly action: Action
  /** Whether `--webhook-action` may name this reason. */
  readonly configurable: boolean
  /** What the user is told to do. */
  readonly fix: string
  /** What the user is told to do if the reference names a group: the object is looked for in that group alone. */
  readonly fixWithGroup?: string
}

const refused = (condition: Condition, reason: string, fix: string): Rule => ({
  reason,
  condition,
  action: 'deny',
  configurable: false,
  fix,
})

/** A failure that is only warned about, because the missing object may be the next one that is applied. */
const warned = (condition: Condition, reason: string, fix: string): Rule => ({
  reason,
  condition,
  action: 'warn',
  configurable: true,
  fix,
})

/** What a reference leads to is missing: the object, or a kind that can hold it. */
const missing = (reason: string, fix: string, fixWithGroup: string) => ({
  ...warned('InvalidRef', reason, fix),
  fixWithGroup,
})

/** What to do about two bindings that ask for one container. `other` is what the reader knows the other binding by. */
export const giveAnother = (other: string): string =>
  `give this binding, or ${other}, another container, pool or service account`

const installPools =
  'install the InferencePool CustomResourceDefinition of the Gateway API Inference Extension'
const installObjectives =
  'install the InferenceObjective CustomResourceDefinition of llm-d or of the Gateway API Inference Extension'

/**
 * Every reason for which a binding is refused or warned about. All texts, docs and flags about reasons are made from
 * this table.
 */
export const rules = {
  invalidPoolRef: refused(
    'InvalidRef',
    'InvalidPoolRef',
    'name an InferencePool of this namespace, in group inference.networking.k8s.io or inference.networking.x-k8s.io, or leave the group out',
  ),
  inferencePoolCrdMissing: missing(
    'InferencePoolCRDMissing',
    installPools,
    `${installPools}, or correct spec.poolRef.group`,
  ),
  targetPoolNotFound: missing(
    'TargetPoolNotFound',
    'create the pool or correct the name',
    'create the pool, or correct the name or the group',
  ),
  invalidObjectiveRef: refused(
    'InvalidRef',
    'InvalidObjectiveRef',
    'name an InferenceObjective of this namespace, in group llm-d.ai, inference.networking.x-k8s.io or inference.networking.k8s.io, or leave the group out',
  ),
  missingObjectiveRef: refused(
    'RenderFailure',
    'MissingObjectiveRef',
    'name the InferenceObjective, or set spec.mode to PoolOnly',
  ),
  inferenceObjectiveCrdMissing: missing(
    'InferenceObjectiveCRDMissing',
    installObjectives,
    `${installObjectives}, or correct spec.objectiveRef.group`,
  ),
  targetObjectiveNotFound: missing(
    'TargetObjectiveNotFound',
    'create the objective or correct the name',
    'create the objective, or correct the name or the group',
  ),
  objectiveOfAnotherPool: warned(
    'InvalidRef',
    'InvalidObjectiveRef',
    'name an objective of this pool, or correct its spec.poolRef',
  ),
  invalidPoolSelector: {
    ...refused(
      'UnsafeSelector',
      'InvalidPoolSelector',
      'let the pool select by labels alone: in spec.selector.matchLabels or, in group inference.networking.x-k8s.io, right in spec.selector',
    ),
    configurable: true,
  },
  unsupportedMode: refused('RenderFailure', 'UnsupportedMode', 'use PoolOnly or PerObjective'),
  invalidServiceAccountName: refused(
    'RenderFailure',
    'InvalidServiceAccountName',
    'name the ServiceAccount that the pods run as',
  ),
  invalidContainerName: refused(
    'RenderFailure',
    'InvalidContainerName',
    'name the container that gets the identity, or set spec.mode to PoolOnly',
  ),
  unexpectedContainerName: refused(
    'RenderFailure',
    'UnexpectedContainerName',
    'remove it, or set spec.mode to PerObjective',
  ),
  unsafeSelector: refused('UnsafeSelector', 'UnsafeSelector', 'report this: no binding should get here'),
  invalidSpiffeId: refused('RenderFailure', 'InvalidSPIFFEID', 'use a shorter or simpler name'),
  identityCollision: {
    ...refused('Conflict', 'IdentityCollision', giveAnother('the other one')),
    configurable: true,
  },
  pendingCollision: {
    ...refused('Conflict', 'PendingCollision', giveAnother('the other one')),
    configurable: true,
  },
  clusterSpiffeIdCrdMissing: warned(
    'RenderFailure',
    'ClusterSPIFFEIDCRDMissing',
    'install the ClusterSPIFFEID CustomResourceDefinition of SPIRE Controller Manager',
  ),
  managedOutputApplyFailed: refused(
    'RenderFailure',
    'ManagedOutputApplyFailed',
    'remove what refuses it; the operator tries again by itself',
  ),
  overlappingSelector: warned(
    'Conflict',
    'OverlappingSelector',
    'let the pools select different pods, or accept that some pods get both identities',
  ),
  sharedSpiffeId: warned(
    'Conflict',
    'SharedSPIFFEID',
    'name another objective or pool, or accept that the workloads cannot be told apart',
  ),
  mixedModes: warned(
    'Conflict',
    'MixedModes',
    'use one mode for a pool, or accept that its containers get two identities and that which of them a client takes by default is left to chance',
  ),
  longIdentity: warned(
    'RenderFailure',
    'LongIdentity',
    'use shorter names: a SPIRE server on MySQL refuses more than 255 bytes',
  ),
  noSuchServiceAccount: warned(
    'UnsafeSelector',
    'NoSuchServiceAccount',
    'name the ServiceAccount that the pods run as, or no workload gets the identity',
  ),
  noSuchContainer: warned(
    'UnsafeSelector',
    'NoSuchContainer',
    'name a container that the pods have, or no workload gets the identity',
  ),
  fallbackSuppressed: warned(
    'Conflict',
    'FallbackSuppressed',
    'give each container and ServiceAccount a binding (one in mode PoolOnly, in the place of all PerObjective ones of the pool, covers all containers), or accept that the others have no identity',
  ),
} as const satisfies Readonly<Record<string, Rule>>

export type RuleName = keyof typeof rules

/** Compares findings by the order of the checks. */
export const byRule = (a: Pick<Finding, 'rule'>, b: Pick<Finding, 'rule'>): number =>
  ruleOrder.indexOf(a.rule) - ruleOrder.indexOf(b.rule)

const ruleOrder: readonly string[] = Object.keys(rules)

/** Everything that the messages of a rule may end with. */
export const fixesOf = ({ fix, fixWithGroup }: Rule): readonly string[] =>
  fixWithGroup === undefined ? [fix] : [fix, fixWithGroup]

/** The reasons that `--webhook-action` may name. */
export const configurableReasons: readonly string[] = [
  ...new Set(Object.values(rules).flatMap(({ reason, configurable }) => (configurable ? [reason] : []))),
]

/** One failed check: what is wrong, where, and how the API would classify it. */
export type Finding = {
  readonly rule: RuleName
  /** From the root of the object, like `spec.poolRef.name`. */
  readonly field: string
  readonly cause: CauseType
  readonly value: unknown
  /** Names the field, the value and what to change; it is also the message of the status conditions. */
  readonly message: string
  /** The contested key of a collision, which tells two failures on the same field and value apart. */
  readonly collisionKey?: string
  /** True if a kind that the binding depends on is unread, so that the failure may be one of what is seen alone. */
  readonly unread?: boolean
}

/** Makes a finding whose message is the problem followed by the fix, which is the rule's own unless another one is given. */
export const finding = (
  rule: RuleName,
  at: { readonly field: string; readonly cause: CauseType; readonly value: unknown },
  problem: string,
  fix: string = rules[rule].fix,
): Finding => ({ rule, ...at, message: `${problem}; ${fix}` })

/** `Condition/Reason: text`, in the webhook's causes and warnings and in the CRD's own rules. */
export const explain = ({ rule, message }: Finding): string =>
  `${rules[rule].condition}/${rules[rule].reason}: ${message}`

/** As kubectl prints a cause: `field: Invalid value: "x": Condition/Reason: text`. */
export const findingLine = (found: Finding): string =>
  `${found.field}: ${causeWords(found)}: ${explain(found)}`

/** The words of field.Error in k8s.io/apimachinery, which kubectl's users know. */
export function causeWords({ cause, value }: Pick<Finding, 'cause' | 'value'>): string {
  switch (cause) {
    case 'Required':
      return 'Required value'
    case 'Forbidden':
      return 'Forbidden'
    case 'Invalid':
      return `Invalid value: ${show(value)}`
    case 'Duplicate':
      return `Duplicate value: ${show(value)}`
    case 'NotFound':
      return `Not found: ${show(value)}`
  }
}
