import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { gather, type Facts } from '../core/facts.ts'
import type { Settings } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr } from '../core/json.ts'
import { clusterSpiffeIdResource, crdName, type Resource } from '../core/resources.ts'
import type { Unread } from '../core/unread.ts'
import { judge, type ActionOverrides } from '../core/verdict.ts'
import { adviseOnNamespace } from '../core/workloads.ts'
import { inventoryOf } from './admissions.ts'
import { assessed, type Assessment } from './assess.ts'
import type { ClusterReads, EventsSeen, PodsSeen, Snapshot, Unseen } from './cluster.ts'
import { identityConfigOf, type IdentityConfig } from './identity-config.ts'
import { sinceOf } from './layout.ts'
import type { Manifest } from './manifests.ts'
import { operatorState, type OperatorState } from './operator-state.ts'
import { otherIdentities, type OtherIdentity } from './other-identities.ts'
import { isThere, outputState, storedBy, unseen, type OutputState } from './output-state.ts'
import {
  parted,
  podsState,
  renderingIn,
  renderingOf,
  type PodsState,
  type PodState,
  type Rendering,
} from './pod-state.ts'
import { rivalsIn, type Rival } from './rivals.ts'
import { processedWithinMs, seenOf, whyPassed, type PassedOver } from './spire-state.ts'

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
  /** How many pods that fit have run for so long that SPIRE Controller Manager should know them. */
  readonly longRunning: number
  readonly others: readonly OtherIdentity[]
  readonly rivals: readonly Rival[]
  /** Names of pools and objectives of the namespace, each with its group. */
  readonly manifests: readonly Manifest[]
  readonly served: readonly Resource[]
  readonly unread: readonly Unread[]
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
  { served, unread = [], manifests, unseen: missed = [], schemas }: Snapshot,
  reach: Reach,
): Promise<Inspection> {
  const { namespace, name } = found
  const { now } = reach
  const operator = operatorState(await reach.readOperator(asked.operatorNamespace), now)
  const config = identityConfigOf(
    asked.settings,
    objectOr(field(found.object, 'status')),
    operator.published?.configuration,
  )
  const inventory = inventoryOf({ settings: config.settings, served, unread, cluster: manifests }, [])
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
  const output =
    missed.length > 0
      ? unseen
      : outputState(
          binding,
          { ...assessment, identity: facts?.identity },
          {
            inventory,
            stores: storedBy(schemas?.definitions),
          },
        )
  const [pods, history, passed] = await Promise.all([
    rendering && reach.readPods({ namespace, pairs: rendering.pairs }),
    reach.readEvents({ namespace, name }),
    whyUnprocessed(output, manifests, reach),
  ])
  const state = rendering && pods && podsState(rendering, pods)
  const metadata = objectOr(field(objectOr(found.object), 'metadata'))
  return {
    binding,
    config,
    judged: assessment &&
      facts && { facts, assessment: withPods(assessment, facts, pods, { inventory, actions }) },
    output,
    rendering,
    pods: state,
    longRunning: state ? parted(state).served.filter((pod) => isLongRunning(pod, now)).length : 0,
    others: await othersOf(binding, pods, manifests, { output, reach }),
    rivals: facts ? rivalsIn(facts) : [],
    manifests,
    served,
    unread,
    operator,
    passed,
    history,
    leavingMs: sinceOf(field(metadata, 'deletionTimestamp'), now),
    createdMs: sinceOf(field(metadata, 'creationTimestamp'), now),
    missed: missedOf(missed, pods, history, operator),
  }
}

const isLongRunning = ({ runningSince }: PodState, now: Date): boolean =>
  (sinceOf(runningSince, now) ?? 0) > processedWithinMs

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
  const own = new Set([...(output.name === null ? [] : [output.name]), ...output.leftovers, ...output.kept])
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
