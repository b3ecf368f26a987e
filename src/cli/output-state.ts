import { bindingKey, type Binding } from '../core/binding.ts'
import { classNameLabel, differencesIn, type Output } from '../core/clusterspiffeid.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { statsWords, type OutputStats } from '../core/output-stats.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import { isRivalOutput } from '../core/rival-outputs.ts'
import type { Definition } from '../schema/definition.ts'
import type { Expected } from './assess.ts'

/** The ClusterSPIFFEIDs of a binding in the cluster, compared with the wanted one. */
export type OutputState = {
  /** The name of the wanted ClusterSPIFFEID. */
  readonly name: string | null
  readonly state: 'none' | 'missing' | 'inPlace' | 'differs' | 'deleting' | 'unseen'
  readonly differences: readonly string[]
  /** Fields that are missing because the installed CustomResourceDefinition prunes them, or may do so. */
  readonly unstored: readonly string[]
  /** Other ClusterSPIFFEIDs of this binding, which the operator deletes. */
  readonly leftovers: readonly string[]
  /** ClusterSPIFFEIDs of the former operator, which stay although the binding fails. */
  readonly kept: readonly string[]
  /** ClusterSPIFFEIDs of other bindings that serve the same container and must go before the wanted one is made. */
  readonly waitsFor: readonly string[]
  /**
   * Copies that somebody made of the binding's ClusterSPIFFEID, with its annotation. The operator leaves them alone.
   */
  readonly copies: readonly string[]
  /** What SPIRE Controller Manager made of it; null if it has not processed it. */
  readonly stats: OutputStats | null
}

type Expectation = Partial<Expected> & {
  /** Undefined if the binding gives none. */
  readonly identity: Identity | undefined
}

export function outputState(
  binding: Binding,
  { clusterSpiffeId: wanted, kept = [], identity }: Expectation,
  { inventory, stores }: { readonly inventory: Inventory; readonly stores: Stores },
): OutputState {
  const key = bindingKey(binding.namespace, binding.name)
  const mine = inventory.outputsOf(key)
  const there = mine.find((output) => output.name === wanted?.metadata.name)
  const nothing = {
    ...unseen,
    name: wanted?.metadata.name ?? null,
    leftovers: namesOf(mine.filter((output) => output !== there && !kept.includes(output.name))),
    kept,
    copies: namesOf(inventory.copiesOf(key)),
  }
  if (!wanted) return { ...nothing, state: 'none' }
  if (!there) return { ...nothing, state: 'missing', waitsFor: rivalNames(binding, identity, inventory) }
  const stats = there.stats ?? null
  if (there.deleting) return { ...nothing, stats, state: 'deleting' }
  const lacking = Object.keys(wanted.spec).filter((part) => !Object.hasOwn(there.spec, part))
  const unstored = lacking.filter((part) => !stores(part)).map((part) => `spec.${part}`)
  const differences = differencesIn(there, wanted).filter((path) => !unstored.includes(path))
  const state = differences.length > 0 ? 'differs' : 'inPlace'
  return { ...nothing, stats, state, differences, unstored }
}

const namesOf = (outputs: readonly Output[]): readonly string[] => outputs.map(({ name }) => name)

function rivalNames(
  binding: Binding,
  identity: Identity | undefined,
  inventory: Inventory,
): readonly string[] {
  if (identity?.collisionKey === undefined) return []
  const key = bindingKey(binding.namespace, binding.name)
  const holders = inventory.outputsServing(identity.collisionKey, key)
  return namesOf(holders.filter((output) => isRivalOutput(output, { binding, identity }, inventory)))
}

/** The state if ClusterSPIFFEIDs, or the objects that they are made of, may not be read. */
export const unseen: OutputState = {
  name: null,
  state: 'unseen',
  differences: [],
  unstored: [],
  leftovers: [],
  kept: [],
  waitsFor: [],
  copies: [],
  stats: null,
}

/** Whether a difference is one of the class alone. */
export const isOfClass = (path: string): boolean =>
  path === 'spec.className' || path === `metadata.labels[${classNameLabel}]`

export const isThere = ({ state }: OutputState): boolean => state === 'inPlace' || state === 'differs'

/** Whether the API server stores this field of a ClusterSPIFFEID's spec. An older CustomResourceDefinition prunes fields. */
export type Stores = (field: string) => boolean

/** By the schemas of a cluster, which are undefined if they were not read. */
export function storedBy(definitions: readonly Definition[] = []): Stores {
  const { group, version, kind } = clusterSpiffeIdResource
  const spec = definitions.find((one) => one.group === group && one.version === version && one.kind === kind)
    ?.schema?.properties?.['spec']
  if (!spec) return (name) => ofEveryVersion.has(name)
  const keepsAll = spec['x-kubernetes-preserve-unknown-fields'] === true
  return (name) => keepsAll || Object.hasOwn(spec.properties ?? {}, name)
}

/** Fields that every version of the CustomResourceDefinition has. Without the selectors an object serves all pods. */
const ofEveryVersion: ReadonlySet<string> = new Set([
  'spiffeIDTemplate',
  'podSelector',
  'namespaceSelector',
  'workloadSelectorTemplates',
])

export function outputLines(output: OutputState, className: string | undefined): readonly string[] {
  const { state, leftovers, kept, copies, stats } = output
  if (state === 'unseen') return []
  const made = isThere(output) ? statsWords(stats ?? undefined, 'has not looked at it') : []
  return [
    `${outputWords(output)}${isThere(output) ? `, ${className === undefined ? 'without a class' : `of class ${className}`}` : ''}`,
    ...kept.map((one) => `${one} is kept until the spec is edited`),
    ...leftovers.map((leftover) => `${leftover} is left over`),
    ...copies.map((copy) => `${copy} is a copy, which is left alone`),
    ...made.map((words) => `SPIRE Controller Manager: ${words}`),
  ]
}

export function outputWords({ name, state, differences, unstored, waitsFor }: OutputState): string {
  switch (state) {
    case 'none':
      return 'none is wanted'
    case 'missing':
      return waitsFor.length === 0
        ? `${name} is missing`
        : `${name} waits until ${waitsFor.join(', ')}, by which another binding still serves the same container, is gone`
    case 'deleting':
      return `${name} is being deleted`
    case 'differs':
      return `${name} differs in ${differences.join(', ')}`
    case 'unseen':
      return 'it could not be seen'
    case 'inPlace':
      return unstored.length === 0
        ? `${name} is in place`
        : `${name} is in place, but for what its CustomResourceDefinition may not know: ${unstored.join(', ')}`
  }
}
