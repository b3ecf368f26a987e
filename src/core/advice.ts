import { bindingKey, type Binding } from './binding.ts'
import { stakeOf, type Evaluation } from './evaluate.ts'
import type { World } from './facts.ts'
import { finding, type Finding } from './findings.ts'
import { idField, type Identity } from './identity.ts'
import { byBytes } from './names.ts'
import type { IdentifiedBinding } from './overlap.ts'
import { areOneRenamed, isReplacement } from './rename.ts'
import { nameAtMost, show } from './show.ts'

/** The longest ID or selector, in bytes, that a SPIRE server stores on MySQL. */
const longestStoredBytes = 255

/**
 * Advice on a binding: findings that are no failure but are hardly meant, by the other bindings of the namespace. A
 * binding without an identity, or with a collision, gets none, because its failure has to be mended first.
 */
export function advise(
  binding: Binding,
  { findings, identity }: Evaluation,
  world: World,
): readonly Finding[] {
  if (!identity || findings.some(({ rule }) => rule === 'identityCollision')) return []
  return [overlap, sharedId, mixedModes, tooLong].flatMap((advice) => advice(binding, identity, world) ?? [])
}

/** Whether a finding is advice rather than a failure. */
export const isAdvice = ({ rule }: Finding): boolean => adviceRules.has(rule)

const adviceRules: ReadonlySet<Finding['rule']> = new Set([
  'overlappingSelector',
  'sharedSpiffeId',
  'mixedModes',
  'longIdentity',
])

type Advice = (binding: Binding, identity: Identity, world: World) => Finding | undefined

const overlap: Advice = (binding, identity, world) => {
  const { mode } = identity
  const names = listed(world.neighbours.overlapping(binding, identity), { binding, identity }, world)
  if (names === undefined) return undefined
  const pool = binding.spec.poolRef.name
  return finding(
    'overlappingSelector',
    { field: 'spec.poolRef.name', cause: 'Invalid', value: pool },
    `spec.poolRef.name ${show(pool)}: its pods are also selected, for the same service account${mode === 'PerObjective' ? ' and container' : ''}, by ${names}`,
  )
}

const sharedId: Advice = (binding, identity, world) => {
  const { spiffeId, mode } = identity
  const names = listed(world.neighbours.sharingSpiffeId(spiffeId), { binding, identity }, world)
  if (names === undefined) return undefined
  const field = idField(mode)
  const { poolRef, objectiveRef } = binding.spec
  const value = mode === 'PoolOnly' ? poolRef.name : objectiveRef?.name
  return finding(
    'sharedSpiffeId',
    { field, cause: 'Duplicate', value },
    `${field} ${show(value)}: ${spiffeId} is also given by ${names}`,
  )
}

const mixedModes: Advice = (binding, identity, world) => {
  const { mode, poolGroup } = identity
  const other = mode === 'PoolOnly' ? 'PerObjective' : 'PoolOnly'
  const names = listed(world.neighbours.onPool(binding, poolGroup, other), { binding, identity }, world)
  if (names === undefined) return undefined
  return finding(
    'mixedModes',
    { field: 'spec.mode', cause: 'Invalid', value: mode },
    `spec.mode ${show(mode)}: on the same pool and service account ${names} is ${other}`,
  )
}

const tooLong: Advice = (_binding, { mode, spiffeId, selectors }) => {
  const long = [spiffeId, ...selectors].find((text) => text.length > longestStoredBytes)
  if (long === undefined) return undefined
  const field = long === spiffeId ? idField(mode) : selectorField(long)
  return finding(
    'longIdentity',
    { field, cause: 'Invalid', value: long },
    `${field} leads to ${show(long)}, of ${long.length} bytes`,
  )
}

/** The field that a selector comes from. Selectors made of a namespace or a container name are never too long. */
const selectorField = (selector: string): string =>
  selector.startsWith('k8s:sa:') ? 'spec.serviceAccountName' : 'spec.poolRef.name'

/**
 * Other bindings by name, sorted; undefined if there are none. A binding that replaces this one, or is replaced by
 * it, is left out. Where the annotation has no effect, because the two differ, it is a binding as any other.
 */
function listed(
  names: Iterable<string>,
  { binding, identity }: IdentifiedBinding,
  world: World,
): string | undefined {
  const serving = { identity, isSound: true }
  const others = new Set<string>()
  for (const name of names) {
    const other = world.binding(bindingKey(binding.namespace, name))
    const isReplaced =
      other !== undefined &&
      areOneRenamed(binding, other) &&
      isReplacement(binding, serving, other, stakeOf(other, world))
    if (name !== binding.name && !isReplaced) others.add(name)
    if (others.size > nameAtMost) break
  }
  if (others.size === 0) return undefined
  const shown = [...others].slice(0, nameAtMost).toSorted(byBytes).join(', ')
  return others.size > nameAtMost ? `${shown} and others` : shown
}
