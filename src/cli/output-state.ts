import { bindingKey, type Binding } from '../core/binding.ts'
import { differencesIn, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import { fateOf, isTrouble, notProcessed, statsWords, type OutputStats } from '../core/output-stats.ts'

/** What is in the cluster, against what should be. */
export type OutputState = {
  /** Of the one that should be. */
  readonly name: string | null
  readonly state: 'none' | 'missing' | 'inPlace' | 'differs' | 'deleting' | 'unseen'
  readonly differences: readonly string[]
  /** Fields that are not there, which an older CustomResourceDefinition prunes. */
  readonly unstored: readonly string[]
  /** Others of this binding. */
  readonly leftovers: readonly string[]
  /** What somebody made after one of this binding, annotation and all; it is left alone. */
  readonly copies: readonly string[]
  /** What SPIRE Controller Manager made of it; null while it has not looked at it. */
  readonly stats: OutputStats | null
  /** In words, a sentence each. */
  readonly processing: readonly string[]
}

/** SPIRE Controller Manager may be seconds behind; what it has not looked at for longer it does not look at. */
const processedWithinMs = 30_000

type Seen = {
  readonly inventory: Inventory
  readonly now: Date
  /** When a ClusterSPIFFEID was created, RFC 3339. */
  readonly createdAt: (name: string) => string | undefined
}

export function outputState(
  { namespace, name }: Binding,
  wanted: ClusterSpiffeId | undefined,
  seen: Seen,
): OutputState {
  const mine = seen.inventory.outputsOf(bindingKey(namespace, name))
  const wantedName = wanted?.metadata.name
  const there = mine.find((output) => output.name === wantedName)
  const leftovers = mine.filter((output) => output !== there).map((output) => output.name)
  const copies = seen.inventory.copiesOf(bindingKey(namespace, name)).map((output) => output.name)
  const nothing = { ...unseen, name: wantedName ?? null, leftovers, copies }
  if (!wanted) return { ...nothing, state: 'none' }
  if (!there) return { ...nothing, state: 'missing' }
  const made = { stats: there.stats ?? null, processing: processingOf(there, seen) }
  if (there.deleting) return { ...nothing, ...made, state: 'deleting' }
  const differences = differencesOf(there, wanted)
  const unstored = Object.keys(wanted.spec).filter((part) => !Object.hasOwn(there.spec, part))
  const state = differences.length > 0 ? 'differs' : 'inPlace'
  return { ...nothing, ...made, state, differences, unstored: unstored.map((part) => `spec.${part}`) }
}

/** Where ClusterSPIFFEIDs, or what leads to them, may not be read. */
export const unseen: OutputState = {
  name: null,
  state: 'unseen',
  differences: [],
  unstored: [],
  leftovers: [],
  copies: [],
  stats: null,
  processing: [],
}

function processingOf({ name, stats }: Output, { inventory, now, createdAt }: Seen): readonly string[] {
  const ageMs = now.getTime() - Date.parse(createdAt(name) ?? '')
  const isYoung = ageMs <= processedWithinMs
  return statsWords(stats, isYoung ? notYet : notProcessed(inventory.settings.className))
}

const notYet = 'SPIRE Controller Manager has not looked at it yet'

/** Whether somebody is without an identity by what became of it. */
export const isStuck = ({ state, stats, processing }: OutputState): boolean =>
  state !== 'unseen' &&
  processing.length > 0 &&
  !processing.includes(notYet) &&
  isTrouble(fateOf(stats ?? undefined))

/** What the kind does not know is no difference: an older CustomResourceDefinition prunes it. */
const differencesOf = (there: Output, wanted: ClusterSpiffeId): readonly string[] =>
  differencesIn(there, wanted).filter(
    (path) => !path.startsWith('spec.') || Object.hasOwn(there.spec, path.slice('spec.'.length)),
  )

export const outputLines = (output: OutputState): readonly string[] => [
  ...(output.state === 'unseen' ? [] : [`ClusterSPIFFEID: ${inWords(output)}`]),
  ...output.leftovers.map((leftover) => `ClusterSPIFFEID: ${leftover} is left over`),
  ...output.copies.map((copy) => `ClusterSPIFFEID: ${copy} is a copy, which is left alone`),
  ...output.processing.map((words) => `SPIRE Controller Manager: ${words}`),
]

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
    case 'unseen':
      return 'it could not be seen'
    case 'inPlace':
      return unstored.length === 0
        ? `${name} is in place`
        : `${name} is in place, but for what its CustomResourceDefinition may not know: ${unstored.join(', ')}`
  }
}
