import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { gather, type Facts } from '../core/facts.ts'
import type { Settings } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'
import { clusterSpiffeIdResource, crdName } from '../core/resources.ts'
import { judge, type ActionOverrides } from '../core/verdict.ts'
import { adviseOnNamespace } from '../core/workloads.ts'
import { inventoryOf } from './admissions.ts'
import { assessed, type Assessment } from './assess.ts'
import type { ClusterReads, EventsSeen, PodsSeen, Snapshot, Unseen } from './cluster.ts'
import { sinceOf } from './layout.ts'
import type { Manifest } from './manifests.ts'
import { operatorState, type OperatorState } from './operator-state.ts'
import { otherIdentities, type OtherIdentity } from './other-identities.ts'
import { isThere, outputState, unseen, type OutputState } from './output-state.ts'
import { podsState, renderingIn, renderingOf, type PodsState, type Rendering } from './pod-state.ts'
import { rivalsIn, type Rival } from './rivals.ts'
import { seenOf, whyPassed, type PassedOver } from './spire-state.ts'

export type SettingSource = 'flag' | 'bindingStatus' | 'default'

/** The operator's settings, as far as they are known, and where they are from. */
export type IdentityConfig = {
  readonly settings: Settings
  readonly trustDomainSource: SettingSource
  readonly classNameSource: SettingSource
}

/** Everything that is known about one binding. */
export type Inspection = {
  readonly binding: Binding
  readonly config: IdentityConfig
  /** Undefined if pools or objectives may not be read: the binding can't be judged without them. */
  readonly judged: { readonly assessment: Assessment; readonly facts: Facts } | undefined
  readonly output: OutputState
  /** Undefined while the binding gives no identity. */
  readonly rendering: Rendering | undefined
  readonly pods: PodsState | undefined
  readonly others: readonly OtherIdentity[]
  readonly rivals: readonly Rival[]
  /** Names of pools and objectives of the namespace, each with its group. */
  readonly manifests: readonly Manifest[]
  readonly operator: OperatorState
  /** Why SPIRE Controller Manager has not processed the ClusterSPIFFEID; undefined if it has, or may still do so. */
  readonly passed: PassedOver | undefined
  readonly history: EventsSeen
  /** For how long the binding has been waiting for its deletion. */
  readonly leavingMs: number | undefined
  readonly createdMs: number | undefined
  /** What could not be read, and why. */
  readonly missed: readonly string[]
}

type Reach = Omit<ClusterReads, 'defaultNamespace' | 'readCluster'> & { readonly now: Date }
type InspectSettings = {
  readonly settings: Partial<Settings>
  readonly actions: ActionOverrides
  readonly operatorNamespace: string | undefined
}

/** Reads everything that decides whether workloads get an identity by a binding. */
export async function lookAt(
  found: Manifest,
  asked: InspectSettings,
  { served, manifests, unseen: missed = [] }: Snapshot,
  reach: Reach,
): Promise<Inspection> {
  const { namespace, name } = found
  const { now } = reach
  const operator = operatorState(await reach.readOperator(asked.operatorNamespace), now)
  const config = configOf(asked.settings, objectOr(field(found.object, 'status')))
  const inventory = inventoryOf({ settings: config.settings, served, cluster: manifests }, [])
  const binding = inventory.binding(bindingKey(namespace, name)) ?? decodeBinding(found.object)
  const canJudge = missed.every(({ resource }) => resource === clusterSpiffeIdResource)
  const actions = { ...operator.published?.configuration.actions, ...asked.actions }
  const facts = canJudge ? gather(binding, inventory) : undefined
  const assessment = canJudge ? assessed(binding, inventory, { overrides: actions, now }) : undefined
  const rendering = facts?.identity
    ? renderingOf({ binding, identity: facts.identity })
    : canJudge
      ? undefined
      : renderingIn(binding.status)
  const output = missed.length > 0 ? unseen : outputState(binding, assessment?.clusterSpiffeId, inventory)
  const [pods, history, passed] = await Promise.all([
    rendering && reach.readPods({ namespace, pairs: rendering.pairs }),
    reach.readEvents({ namespace, name }),
    whyUnprocessed(output, manifests, reach),
  ])
  const metadata = objectOr(field(objectOr(found.object), 'metadata'))
  return {
    binding,
    config,
    judged: assessment &&
      facts && { facts, assessment: withPods(assessment, facts, pods, { inventory, actions }) },
    output,
    rendering,
    pods: rendering && pods && podsState(rendering, pods),
    others: await othersOf(binding, pods, manifests, { output, reach }),
    rivals: facts ? rivalsIn(facts) : [],
    manifests,
    operator,
    passed,
    history,
    leavingMs: sinceOf(field(metadata, 'deletionTimestamp'), now),
    createdMs: sinceOf(field(metadata, 'creationTimestamp'), now),
    missed: missedOf(missed, pods, history, operator),
  }
}

/**
 * The trust domain that is assumed for a binding whose status names none, as the former operator's commands do. The one that the
 * operator publishes is not taken: the report's `trustDomainSource` is `flag`, `bindingStatus` or `default`, and scripts read
 * it. A finding says that the trust domain is assumed.
 */
const defaultTrustDomain = 'kleym.sonda.red'

function configOf(asked: Partial<Settings>, status: JsonObject): IdentityConfig {
  const trustDomain = textOr(field(status, 'trustDomain'), '')
  const className = textOr(field(status, 'clusterSPIFFEIDClassName'), '') || undefined
  // A status that shows a trust domain and no class was written without a class.
  const source = trustDomain === '' ? 'default' : 'bindingStatus'
  return {
    settings: {
      trustDomain: asked.trustDomain ?? (trustDomain || defaultTrustDomain),
      className: 'className' in asked ? asked.className : className,
    },
    trustDomainSource: asked.trustDomain === undefined ? source : 'flag',
    classNameSource: 'className' in asked ? 'flag' : source,
  }
}

async function whyUnprocessed(
  output: OutputState,
  manifests: readonly Manifest[],
  { readSpire, now }: Reach,
): Promise<PassedOver | undefined> {
  if (!isThere(output) || output.stats !== null) return undefined
  const all = seenOf(manifests)
  const one = all.find(({ name }) => name === output.name)
  return one && whyPassed(one, { all, spire: await readSpire(), now })
}

async function othersOf(
  { namespace }: Binding,
  seen: PodsSeen | undefined,
  manifests: readonly Manifest[],
  { output, reach }: { readonly output: OutputState; readonly reach: Reach },
): Promise<readonly OtherIdentity[]> {
  if (seen?.kind !== 'seen' || seen.pods.length === 0) return []
  const namespaceLabels = await reach.readNamespace(namespace)
  const own = new Set([...(output.name === null ? [] : [output.name]), ...output.leftovers])
  return otherIdentities(seen.pods, { namespace, namespaceLabels }, manifests, own)
}

/** Adds the advice that admission gives on the existing pods. */
function withPods(
  assessment: Assessment,
  { binding, identity }: Facts,
  seen: PodsSeen | undefined,
  { inventory, actions }: { readonly inventory: Inventory; readonly actions: ActionOverrides },
): Assessment {
  if (!identity || seen?.kind !== 'seen') return assessment
  const { settings } = inventory
  const advice = adviseOnNamespace({ binding, identity }, seen, {
    fallbacks: inventory.fallbacks(),
    settings,
  })
  return { ...assessment, verdict: judge([...assessment.verdict.findings, ...advice], [], actions) }
}

const missedOf = (
  missed: readonly Unseen[],
  pods: PodsSeen | undefined,
  history: EventsSeen,
  operator: OperatorState,
): readonly string[] => [
  ...missed.map(({ resource, why }) => `${crdName(resource)}: ${why}`),
  ...(pods?.kind === 'unseen' ? [`pods: ${pods.why}`] : []),
  ...(history.kind === 'unseen' ? [`events: ${history.why}`] : []),
  ...(operator.unseen === null ? [] : [`the operator: ${operator.unseen}`]),
]
