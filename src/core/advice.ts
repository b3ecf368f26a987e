import { bindingKey, type Binding } from './binding.ts'
import type { Evaluation } from './evaluate.ts'
import type { World } from './facts.ts'
import { finding, type Finding } from './findings.ts'
import { idField, type Identity } from './identity.ts'
import { byBytes } from './names.ts'
import { areOneRenamed } from './rename.ts'
import { show } from './show.ts'

/** Advice is no verdict: where there are more neighbours than these, the rest stays unsaid. */
const nameAtMost = 10

/** What a SPIRE server keeps of an ID or a selector on MySQL, in bytes. */
const longest = 255

/**
 * What is no failure but surely not meant, beside the other bindings of the namespace. Nothing for a binding that
 * stands for nothing, or that collides: that says enough.
 */
export function advise(
  binding: Binding,
  { findings, identity }: Evaluation,
  world: World,
): readonly Finding[] {
  if (!identity || findings.some(({ rule }) => rule === 'identityCollision')) return []
  return [overlap, sharedId, mixedModes, tooLong].flatMap((advice) => advice(binding, identity, world) ?? [])
}

/** Whether a finding is advice, which no other check confirms. */
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
  const names = listed(world.neighbours.overlapping(binding, identity), binding, world)
  if (names === undefined) return undefined
  const pool = binding.spec.poolRef.name
  return finding(
    'overlappingSelector',
    { field: 'spec.poolRef.name', cause: 'Invalid', value: pool },
    `spec.poolRef.name ${show(pool)}: its pods are also selected, for the same service account${mode === 'PerObjective' ? ' and container' : ''}, by ${names}`,
  )
}

const sharedId: Advice = (binding, { spiffeId, mode }, world) => {
  const names = listed(world.neighbours.sharingSpiffeId(spiffeId), binding, world)
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

const mixedModes: Advice = (binding, { mode, poolGroup }, world) => {
  const other = mode === 'PoolOnly' ? 'PerObjective' : 'PoolOnly'
  const names = listed(world.neighbours.onPool(binding, poolGroup, other), binding, world)
  if (names === undefined) return undefined
  return finding(
    'mixedModes',
    { field: 'spec.mode', cause: 'Invalid', value: mode },
    `spec.mode ${show(mode)}: on the same pool and service account ${names} is ${other}`,
  )
}

const tooLong: Advice = (_binding, { mode, spiffeId, selectors }) => {
  const long = [spiffeId, ...selectors].find((text) => text.length > longest)
  if (long === undefined) return undefined
  const field = long === spiffeId ? idField(mode) : selectorField(long)
  return finding(
    'longIdentity',
    { field, cause: 'Invalid', value: long },
    `${field} leads to ${show(long)}, of ${long.length} bytes`,
  )
}

/** A namespace and a container can't be that long. */
const selectorField = (selector: string): string =>
  selector.startsWith('k8s:sa:') ? 'spec.serviceAccountName' : 'spec.poolRef.name'

/** Other bindings by name, sorted, but for the binding itself under another name; undefined for none. */
function listed(names: Iterable<string>, self: Binding, world: World): string | undefined {
  const others = new Set<string>()
  for (const name of names) {
    const other = world.binding(bindingKey(self.namespace, name))
    if (name !== self.name && !(other && areOneRenamed(self, other))) others.add(name)
    if (others.size > nameAtMost) break
  }
  if (others.size === 0) return undefined
  const shown = [...others].slice(0, nameAtMost).toSorted(byBytes).join(', ')
  return others.size > nameAtMost ? `${shown} and others` : shown
}
