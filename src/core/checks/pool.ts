import type { Check } from '../facts.ts'
import { finding, type Finding } from '../findings.ts'
import { show } from '../show.ts'
import { absent, unserved, unusableReference } from './references.ts'

export const poolRefIsUsable: Check = ({ binding, pool }) =>
  pool.kind === 'unusable'
    ? unusableReference('invalidPoolRef', 'spec.poolRef', binding.spec.poolRef, pool)
    : undefined

export const poolKindIsServed: Check = ({ binding: { spec }, pool, world }) =>
  pool.kind === 'unserved'
    ? unserved('inferencePoolCrdMissing', 'spec.poolRef', spec.poolRef, pool.wanted, world)
    : undefined

export const poolExists: Check = ({ binding, pool, world }) =>
  pool.kind === 'absent' ? absent('targetPoolNotFound', 'spec.poolRef.name', binding, pool, world) : undefined

export const poolSelectorIsSafe: Check = ({ pool }) =>
  pool.kind !== 'found' || pool.object.selector.kind === 'labels'
    ? undefined
    : unsafePool(pool.name, `: InferencePool ${pool.object.selector.problem}`)

/** @param problem the words that follow the pool's name in the message */
export const unsafePool = (name: string, problem: string): Finding =>
  finding(
    'invalidPoolSelector',
    { field: 'spec.poolRef.name', cause: 'Invalid', value: name },
    `spec.poolRef.name ${show(name)}${problem}`,
  )
