import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { conditionsIn, readyIn } from '../core/conditions.ts'
import { gather, type Facts } from '../core/facts.ts'
import type { Settings } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'
import type { Lookup } from '../core/references.ts'
import { bindingResource, clusterSpiffeIdResource, crdName, gvk } from '../core/resources.ts'
import { judge, type ActionOverrides } from '../core/verdict.ts'
import { adviseOnPods } from '../core/workloads.ts'
import { assessed, inventoryOf, type Assessment } from './assess.ts'
import type { ClusterReads, ClusterSnapshot, PodsSeen, Unseen } from './cluster.ts'
import type { Manifest } from './manifests.ts'
import { isStuck, outputLines, outputState, unseen, type OutputState } from './output-state.ts'
import {
  isForNobody,
  podLines,
  podsState,
  renderingIn,
  renderingOf,
  type PodsState,
  type Rendering,
} from './pod-state.ts'
import { findingLines, jsonOf, printed, type Format } from './print.ts'
import { exitCodes, notFound, usage, type CommandResult } from './result.ts'

export type InspectOptions = {
  readonly namespace: string
  readonly name: string
  /** What the operator is told; of what is missing here, what it wrote into the status counts. */
  readonly settings: Partial<Settings>
  readonly actions: ActionOverrides
  readonly format: Format
}

type Reach = Pick<ClusterReads, 'readCluster' | 'readPods'> & { readonly now: Date }

/** All that is known of one binding. */
type Inspection = {
  readonly binding: Binding
  /** Undefined where pools or objectives may not be read: without them nothing can be judged. */
  readonly judged: { readonly assessment: Assessment; readonly facts: Facts } | undefined
  readonly output: OutputState
  /** Undefined while it gives nothing to anybody. */
  readonly rendering: Rendering | undefined
  readonly pods: PodsState | undefined
  readonly missed: readonly Unseen[]
}

/**
 * Says what a binding refers to, what it gives to whom, what is wrong with it, what is in the cluster of it and what SPIRE
 * Controller Manager made of that, and which pods get it.
 */
export async function inspect(options: InspectOptions, reach: Reach): Promise<CommandResult> {
  const { namespace, name, format } = options
  const snapshot = await reach.readCluster({ namespace, inParts: true })
  if (snapshot.kind === 'problem') return usage([snapshot.problem])
  const found = snapshot.manifests.find((one) => one.resource === bindingResource && one.name === name)
  if (!found) return notFound(`there is no ${bindingResource.kind} ${namespace}/${name}`)
  const settings = { ...saidIn(objectOr(field(found.object, 'status'))), ...options.settings }
  if (settings.trustDomain === '')
    return usage(['the status of the binding names no trust domain yet; add --trust-domain=DOMAIN'])
  const inspection = await lookAt(found, { ...options, settings }, snapshot, reach)
  return {
    code: isFine(inspection) ? exitCodes.fine : exitCodes.findings,
    stdout: printed(plain(inspection), linesOf(inspection), format),
    stderr: '',
  }
}

const saidIn = (status: JsonObject): Settings => ({
  trustDomain: textOr(field(status, 'trustDomain'), ''),
  className: textOr(field(status, 'clusterSPIFFEIDClassName'), '') || undefined,
})

async function lookAt(
  found: Manifest,
  { settings, actions }: { readonly settings: Settings; readonly actions: ActionOverrides },
  { served, manifests, unseen: missed = [] }: Extract<ClusterSnapshot, { kind: 'snapshot' }>,
  { readPods, now }: Reach,
): Promise<Inspection> {
  const inventory = inventoryOf({ settings, served, cluster: manifests }, [])
  const { namespace, name } = found
  const binding = inventory.binding(bindingKey(namespace, name)) ?? decodeBinding(found.object)
  const canJudge = missed.every(({ resource }) => resource === clusterSpiffeIdResource)
  const facts = canJudge ? gather(binding, inventory) : undefined
  const assessment = canJudge ? assessed(binding, inventory, { overrides: actions, now }) : undefined
  const identity = facts?.identity
  const rendering = identity
    ? renderingOf({ binding, identity })
    : canJudge
      ? undefined
      : renderingIn(binding.status)
  const pods = rendering && (await readPods({ namespace, pairs: rendering.pairs }))
  const createdAt = (output: string): string | undefined => createdIn(manifests, output)
  return {
    binding,
    judged: assessment &&
      facts && { facts, assessment: withPods(assessment, facts, pods, { inventory, actions }) },
    output:
      missed.length > 0
        ? unseen
        : outputState(binding, assessment?.clusterSpiffeId, { inventory, now, createdAt }),
    rendering,
    pods: rendering && pods && podsState(rendering, pods),
    missed,
  }
}

function createdIn(manifests: readonly Manifest[], output: string): string | undefined {
  const there = manifests.find(
    ({ resource, name }) => resource === clusterSpiffeIdResource && name === output,
  )
  const at = field(objectOr(field(objectOr(there?.object), 'metadata')), 'creationTimestamp')
  return typeof at === 'string' ? at : undefined
}

/** With what admission would say of the pods that are there. */
function withPods(
  assessment: Assessment,
  { binding, identity }: Facts,
  seen: PodsSeen | undefined,
  { inventory, actions }: { readonly inventory: Inventory; readonly actions: ActionOverrides },
): Assessment {
  if (!identity || seen?.kind !== 'seen') return assessment
  const pods = seen.pods.filter(({ labels }) =>
    Object.entries(identity.pods.labels).every(([key, value]) => labels[key] === value),
  )
  const advice = adviseOnPods(binding, identity, {
    list: { pods, complete: seen.complete },
    fallbacks: inventory.fallbacks(),
    settings: inventory.settings,
  })
  return { ...assessment, verdict: judge([...assessment.verdict.findings, ...advice], [], actions) }
}

function isFine({ binding, judged, output, pods }: Inspection): boolean {
  const ready = readyIn(binding.status)
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === binding.generation &&
    (output.state === 'inPlace' || output.state === 'unseen') &&
    output.leftovers.length === 0 &&
    !isStuck(output) &&
    !isForNobody(pods) &&
    judged?.assessment.verdict.verdict !== 'deny'
  )
}

/** The entry of `check -o json`, with what it was made of and what the cluster has of it. */
const plain = ({ binding, judged, output, pods, missed }: Inspection): JsonObject => ({
  ...(judged ? jsonOf(judged.assessment) : { namespace: binding.namespace, name: binding.name }),
  generation: binding.generation,
  conditions: conditionsIn(binding.status),
  pool: targetOf(judged?.facts.pool) ?? null,
  objective: targetOf(judged?.facts.objective) ?? null,
  output,
  pods: pods ?? null,
  unseen: missed.map(({ resource, why }) => ({ kind: gvk(resource), why })),
})

const targetOf = (lookup: Lookup<unknown> | undefined): string | undefined =>
  lookup?.kind === 'found' ? `${gvk(lookup.resource)} ${lookup.name}` : undefined

function linesOf(inspection: Inspection): readonly string[] {
  const { binding, judged, output, rendering, pods, missed } = inspection
  const { namespace, name } = binding
  return [
    `${bindingResource.kind} ${namespace}/${name}, generation ${binding.generation}`,
    ...conditionsIn(binding.status).map(
      ({ type, status, reason, message, observedGeneration }) =>
        `${String(type)}: ${String(status)}, ${String(reason)} (${typeof observedGeneration === 'number' ? `generation ${observedGeneration}` : 'no generation yet'}): ${String(message)}`,
    ),
    ...(judged
      ? [
          `pool: ${targetOf(judged.facts.pool) ?? 'none'}`,
          `objective: ${targetOf(judged.facts.objective) ?? 'none'}`,
        ]
      : []),
    ...(rendering
      ? [
          `SPIFFE ID: ${rendering.spiffeId}`,
          ...rendering.selectors.map((selector) => `selector: ${selector}`),
        ]
      : []),
    ...outputLines(output),
    ...(rendering && pods ? podLines(pods, rendering) : []),
    ...missed.map(({ resource, why }) => `could not be seen: ${crdName(resource)}: ${why}`),
    ...(binding.deleting ? ['it is being deleted'] : judged ? outlook(judged.assessment) : []),
  ]
}

function outlook(assessment: Assessment): readonly string[] {
  const expected = readyIn(assessment.status)
  return [
    `the loop settles on: ${expected?.reason ?? ''}: ${expected?.message ?? ''}`,
    `admission today: ${assessment.verdict.verdict}`,
    ...findingLines(assessment),
  ]
}
