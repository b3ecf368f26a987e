import { stringify } from 'yaml'
import { bindingKey, type Binding } from '../core/binding.ts'
import type { ClusterSpiffeId, Output } from '../core/clusterspiffeid.ts'
import { conditionsIn, readyIn } from '../core/conditions.ts'
import { gather, type Facts } from '../core/facts.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, sameJson, textOr, type JsonObject } from '../core/json.ts'
import type { Lookup } from '../core/references.ts'
import { bindingResource, gvk } from '../core/resources.ts'
import { hasLabels } from '../core/selectors.ts'
import { printable } from '../core/show.ts'
import { assessed, inventoryOf, type Assessment } from './assess.ts'
import type { ReadCluster } from './cluster.ts'
import { findingLines, jsonOf, type Format } from './print.ts'
import { exitCodes, notFound, usage, type CommandResult } from './result.ts'

export type InspectOptions = {
  readonly namespace: string
  readonly name: string
  /** What the operator is told; where undefined, what it wrote into the status counts. */
  readonly trustDomain: string | undefined
  readonly className: string | undefined
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
type OutputState =
  | { readonly kind: 'none' | 'missing' }
  | { readonly kind: 'inPlace' | 'unwanted'; readonly name: string }
  | { readonly kind: 'differs'; readonly name: string; readonly parts: readonly string[] }

/** Says what a binding refers to, what it gives to whom, what is wrong with it, and what is in the cluster of it. */
export async function inspect(
  options: InspectOptions,
  { readCluster, now }: { readonly readCluster: ReadCluster; readonly now: Date },
): Promise<CommandResult> {
  const { namespace, name, format } = options
  const snapshot = await readCluster(namespace)
  if (snapshot.kind === 'problem') return usage([snapshot.problem])
  const found = snapshot.manifests.find((one) => one.resource === bindingResource && one.name === name)
  if (!found) return notFound(`there is no ${bindingResource.kind} ${namespace}/${name}`)
  const settings = settingsFrom(options, field(found.object, 'status'))
  if (!settings)
    return usage(['the status of the binding names no trust domain yet; add --trust-domain=DOMAIN'])
  const inventory = inventoryOf({ settings, served: snapshot.served, cluster: snapshot.manifests }, [])
  const binding = inventory.binding(bindingKey(namespace, name))
  if (!binding) throw new Error(`${namespace}/${name} was listed and is not there`)
  const assessment = assessed(binding, inventory, { actions: {}, now })
  const output = outputState(binding, assessment.clusterSpiffeId, inventory)
  const inspection = { binding, assessment, facts: gather(binding, inventory), output }
  return {
    code: isFine(inspection) ? exitCodes.fine : exitCodes.findings,
    stdout: print(inspection, format),
    stderr: '',
  }
}

function settingsFrom(
  { trustDomain, className }: InspectOptions,
  status: unknown,
): { readonly trustDomain: string; readonly className: string | undefined } | undefined {
  const said = objectOr(status)
  const domain = trustDomain ?? textOr(field(said, 'trustDomain'), '')
  const itsClass = textOr(field(said, 'clusterSPIFFEIDClassName'), '')
  return domain === '' ? undefined : { trustDomain: domain, className: className ?? (itsClass || undefined) }
}

function outputState(
  { namespace, name }: Binding,
  wanted: ClusterSpiffeId | undefined,
  inventory: Inventory,
): OutputState {
  const key = bindingKey(namespace, name)
  if (!wanted) {
    const [left] = inventory.outputsOf(key)
    return left ? { kind: 'unwanted', name: left.name } : { kind: 'none' }
  }
  const there = inventory.output(wanted.metadata.name)
  if (!there) return { kind: 'missing' }
  const parts = differences(there, wanted)
  return parts.length === 0
    ? { kind: 'inPlace', name: there.name }
    : { kind: 'differs', name: there.name, parts }
}

function differences({ spec, labels }: Output, wanted: ClusterSpiffeId): readonly string[] {
  const fields = new Set([...Object.keys(spec), ...Object.keys(wanted.spec)])
  return [
    ...[...fields].filter((name) => !sameJson(spec[name], wanted.spec[name])).map((name) => `spec.${name}`),
    ...(hasLabels(labels, wanted.metadata.labels) ? [] : ['metadata.labels']),
  ]
}

function isFine({ binding, assessment, output }: Inspection): boolean {
  const ready = readyIn(binding.status)
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === binding.generation &&
    output.kind === 'inPlace' &&
    assessment.verdict.verdict !== 'deny'
  )
}

function print(inspection: Inspection, format: Format): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(plain(inspection), undefined, 2)}\n`
    case 'yaml':
      return stringify(plain(inspection), { lineWidth: 0 })
    case 'text':
      return linesOf(inspection)
        .map((line) => `${printable(line)}\n`)
        .join('')
  }
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
        `${String(type)}: ${String(status)}, ${String(reason)} (generation ${String(observedGeneration)}): ${String(message)}`,
    ),
    `pool: ${targetOf(facts.pool) ?? 'none'}`,
    `objective: ${targetOf(facts.objective) ?? 'none'}`,
    ...(identity
      ? [`SPIFFE ID: ${identity.spiffeId}`, ...identity.selectors.map((selector) => `selector: ${selector}`)]
      : []),
    `ClusterSPIFFEID: ${inWords(output)}`,
    `the loop settles on: ${expected?.reason ?? ''}: ${expected?.message ?? ''}`,
    `admission today: ${verdict.verdict}`,
    ...findingLines(assessment),
  ]
}

function inWords(output: OutputState): string {
  switch (output.kind) {
    case 'none':
      return 'none, and none is wanted'
    case 'missing':
      return 'is missing'
    case 'unwanted':
      return `${output.name} is still there, and none is wanted`
    case 'inPlace':
      return `${output.name} is in place`
    case 'differs':
      return `${output.name} differs in ${output.parts.join(', ')}`
  }
}
