import { bindingKey, type Binding } from '../core/binding.ts'
import { differencesIn, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import { conditionsIn, readyIn } from '../core/conditions.ts'
import { gather, type Facts } from '../core/facts.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'
import type { Lookup } from '../core/references.ts'
import { bindingResource, gvk } from '../core/resources.ts'
import type { Settings } from '../core/identity.ts'
import type { ActionOverrides } from '../core/verdict.ts'
import { assessed, inventoryOf, type Assessment } from './assess.ts'
import type { ReadCluster } from './cluster.ts'
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

/** All that is known of one binding. */
type Inspection = {
  readonly binding: Binding
  readonly assessment: Assessment
  readonly facts: Facts
  readonly output: OutputState
}

/** What is in the cluster, against what should be. */
type OutputState = {
  /** Of the one that should be. */
  readonly name: string | null
  readonly state: 'none' | 'missing' | 'inPlace' | 'differs' | 'deleting'
  readonly differences: readonly string[]
  /** Fields that are not there, which an older CustomResourceDefinition prunes. */
  readonly unstored: readonly string[]
  /** Others of this binding. */
  readonly leftovers: readonly string[]
  /** What somebody made after one of this binding, annotation and all; it is left alone. */
  readonly copies: readonly string[]
}

/** Says what a binding refers to, what it gives to whom, what is wrong with it, and what is in the cluster of it. */
export async function inspect(
  options: InspectOptions,
  { readCluster, now }: { readonly readCluster: ReadCluster; readonly now: Date },
): Promise<CommandResult> {
  const { namespace, name, actions, format } = options
  const snapshot = await readCluster({ namespace })
  if (snapshot.kind === 'problem') return usage([snapshot.problem])
  const found = snapshot.manifests.find((one) => one.resource === bindingResource && one.name === name)
  if (!found) return notFound(`there is no ${bindingResource.kind} ${namespace}/${name}`)
  const settings = { ...saidIn(objectOr(field(found.object, 'status'))), ...options.settings }
  if (settings.trustDomain === '')
    return usage(['the status of the binding names no trust domain yet; add --trust-domain=DOMAIN'])
  const inventory = inventoryOf({ settings, served: snapshot.served, cluster: snapshot.manifests }, [])
  const binding = inventory.binding(bindingKey(namespace, name))
  if (!binding) throw new Error(`${namespace}/${name} was listed and is not there`)
  const assessment = assessed(binding, inventory, { overrides: actions, now })
  const output = outputState(binding, assessment.clusterSpiffeId, inventory)
  const inspection = { binding, assessment, facts: gather(binding, inventory), output }
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

function outputState(
  { namespace, name }: Binding,
  wanted: ClusterSpiffeId | undefined,
  inventory: Inventory,
): OutputState {
  const mine = inventory.outputsOf(bindingKey(namespace, name))
  const wantedName = wanted?.metadata.name
  const there = mine.find((output) => output.name === wantedName)
  const leftovers = mine.filter((output) => output !== there).map((output) => output.name)
  const copies = inventory.copiesOf(bindingKey(namespace, name)).map((output) => output.name)
  const nothing = { name: wantedName ?? null, differences: [], unstored: [], leftovers, copies }
  if (!wanted) return { ...nothing, state: 'none' }
  if (!there) return { ...nothing, state: 'missing' }
  if (there.deleting) return { ...nothing, state: 'deleting' }
  const differences = differencesOf(there, wanted)
  const unstored = Object.keys(wanted.spec).filter((part) => !Object.hasOwn(there.spec, part))
  const state = differences.length > 0 ? 'differs' : 'inPlace'
  return { ...nothing, state, differences, unstored: unstored.map((part) => `spec.${part}`) }
}

/** What the kind does not know is no difference: an older CustomResourceDefinition prunes it. */
const differencesOf = (there: Output, wanted: ClusterSpiffeId): readonly string[] =>
  differencesIn(there, wanted).filter(
    (path) => !path.startsWith('spec.') || Object.hasOwn(there.spec, path.slice('spec.'.length)),
  )

function isFine({ binding, assessment, output }: Inspection): boolean {
  const ready = readyIn(binding.status)
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === binding.generation &&
    output.state === 'inPlace' &&
    output.leftovers.length === 0 &&
    assessment.verdict.verdict !== 'deny'
  )
}

/** The entry of `check -o json`, with what it was made of and what the cluster has of it. */
const plain = ({ binding, assessment, facts, output }: Inspection): JsonObject => ({
  ...jsonOf(assessment),
  generation: binding.generation,
  conditions: conditionsIn(binding.status),
  pool: targetOf(facts.pool) ?? null,
  objective: targetOf(facts.objective) ?? null,
  output,
})

const targetOf = (lookup: Lookup<unknown> | undefined): string | undefined =>
  lookup?.kind === 'found' ? `${gvk(lookup.resource)} ${lookup.name}` : undefined

function linesOf({ binding, assessment, facts, output }: Inspection): readonly string[] {
  const { namespace, name, verdict } = assessment
  const { identity } = facts
  const expected = readyIn(assessment.status)
  return [
    `${bindingResource.kind} ${namespace}/${name}, generation ${binding.generation}`,
    ...conditionsIn(binding.status).map(
      ({ type, status, reason, message, observedGeneration }) =>
        `${String(type)}: ${String(status)}, ${String(reason)} (${typeof observedGeneration === 'number' ? `generation ${observedGeneration}` : 'no generation yet'}): ${String(message)}`,
    ),
    `pool: ${targetOf(facts.pool) ?? 'none'}`,
    `objective: ${targetOf(facts.objective) ?? 'none'}`,
    ...(identity
      ? [`SPIFFE ID: ${identity.spiffeId}`, ...identity.selectors.map((selector) => `selector: ${selector}`)]
      : []),
    `ClusterSPIFFEID: ${inWords(output)}`,
    ...output.leftovers.map((leftover) => `ClusterSPIFFEID: ${leftover} is left over`),
    ...output.copies.map((copy) => `ClusterSPIFFEID: ${copy} is a copy, which is left alone`),
    ...(binding.deleting
      ? ['it is being deleted']
      : [
          `the loop settles on: ${expected?.reason ?? ''}: ${expected?.message ?? ''}`,
          `admission today: ${verdict.verdict}`,
          ...findingLines(assessment),
        ]),
  ]
}

function inWords({ name, state, differences, unstored }: OutputState): string {
  switch (state) {
    case 'none':
      return 'none is wanted'
    case 'missing':
      return `${name} is missing`
    case 'deleting':
      return `${name} is being deleted`
    case 'differs':
      return `${name} differs in ${differences.join(', ')}`
    case 'inPlace':
      return unstored.length === 0
        ? `${name} is in place`
        : `${name} is in place, but for what its CustomResourceDefinition may not know: ${unstored.join(', ')}`
  }
}
