import { bindingKey, type Binding } from '../core/binding.ts'
import { differencesIn, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import { statsWords, type OutputStats } from '../core/output-stats.ts'

/** The ClusterSPIFFEIDs of a binding in the cluster, compared with the wanted one. */
export type OutputState = {
  /** The name of the wanted ClusterSPIFFEID. */
  readonly name: string | null
  readonly state: 'none' | 'missing' | 'inPlace' | 'differs' | 'deleting' | 'unseen'
  readonly differences: readonly string[]
  /** Fields that an older CustomResourceDefinition has pruned. */
  readonly unstored: readonly string[]
  /** Other ClusterSPIFFEIDs of this binding. */
  readonly leftovers: readonly string[]
  /**
   * Copies that somebody made of the binding's ClusterSPIFFEID, with its annotation. The operator leaves them alone.
   */
  readonly copies: readonly string[]
  /** What SPIRE Controller Manager made of it; null if it has not processed it. */
  readonly stats: OutputStats | null
}

export function outputState(
  { namespace, name }: Binding,
  wanted: ClusterSpiffeId | undefined,
  inventory: Inventory,
): OutputState {
  const mine = inventory.outputsOf(bindingKey(namespace, name))
  const wantedName = wanted?.metadata.name
  const there = mine.find((output) => output.name === wantedName)
  const leftovers = mine.filter((output) => output !== there).map((output) => output.name)
  const copies = inventory.copiesOf(bindingKey(namespace, name)).map((output) => output.name)
  const nothing = { ...unseen, name: wantedName ?? null, leftovers, copies }
  if (!wanted) return { ...nothing, state: 'none' }
  if (!there) return { ...nothing, state: 'missing' }
  const stats = there.stats ?? null
  if (there.deleting) return { ...nothing, stats, state: 'deleting' }
  const differences = differencesOf(there, wanted)
  const unstored = Object.keys(wanted.spec).filter((part) => !Object.hasOwn(there.spec, part))
  const state = differences.length > 0 ? 'differs' : 'inPlace'
  return { ...nothing, stats, state, differences, unstored: unstored.map((part) => `spec.${part}`) }
}

/** The state if ClusterSPIFFEIDs, or the objects that they are made of, may not be read. */
export const unseen: OutputState = {
  name: null,
  state: 'unseen',
  differences: [],
  unstored: [],
  leftovers: [],
  copies: [],
  stats: null,
}

export const isThere = ({ state }: OutputState): boolean => state === 'inPlace' || state === 'differs'

/** The fields that differ. A missing field does not count, because an older CustomResourceDefinition prunes fields. */
const differencesOf = (there: Output, wanted: ClusterSpiffeId): readonly string[] =>
  differencesIn(there, wanted).filter(
    (path) => !path.startsWith('spec.') || Object.hasOwn(there.spec, path.slice('spec.'.length)),
  )

export function outputLines(output: OutputState, className: string | undefined): readonly string[] {
  const { state, leftovers, copies, stats } = output
  if (state === 'unseen') return []
  const made = isThere(output) ? statsWords(stats ?? undefined, 'has not looked at it') : []
  return [
    `${outputWords(output)}${isThere(output) ? `, ${className === undefined ? 'without a class' : `of class ${className}`}` : ''}`,
    ...leftovers.map((leftover) => `${leftover} is left over`),
    ...copies.map((copy) => `${copy} is a copy, which is left alone`),
    ...made.map((words) => `SPIRE Controller Manager: ${words}`),
  ]
}

export function outputWords({ name, state, differences, unstored }: OutputState): string {
  switch (state) {
    case 'none':
      return 'none is wanted'
    case 'missing':
      return `${name} is missing`
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
