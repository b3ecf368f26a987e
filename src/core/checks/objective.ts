import type { Check } from '../facts.ts'
import { finding } from '../findings.ts'
import { meantBy, type PoolRef } from '../references.ts'
import { objectiveResources, poolResources, type Resource } from '../resources.ts'
import { show } from '../show.ts'
import { absent, unreadAmong, unreadFinding, unserved, unusableReference } from './references.ts'

export const objectiveRefIsUsable: Check = ({ binding, objective }) =>
  objective?.kind === 'unusable' && binding.spec.objectiveRef
    ? unusableReference('invalidObjectiveRef', 'spec.objectiveRef', binding.spec.objectiveRef, objective)
    : undefined

export const objectiveRefIsGiven: Check = ({ binding: { spec } }) =>
  spec.mode === 'PerObjective' && spec.objectiveRef === undefined
    ? finding(
        'missingObjectiveRef',
        { field: 'spec.objectiveRef', cause: 'Required', value: undefined },
        'spec.objectiveRef is missing and spec.mode is PerObjective',
      )
    : undefined

export const objectiveKindIsServed: Check = ({ binding: { spec }, objective, world }) =>
  objective?.kind === 'unserved'
    ? unserved(
        'inferenceObjectiveCrdMissing',
        'spec.objectiveRef',
        spec.objectiveRef,
        objective.wanted,
        world,
      )
    : undefined

export const objectiveExists: Check = ({ binding, objective, world }) =>
  objective?.kind === 'absent'
    ? absent('targetObjectiveNotFound', 'spec.objectiveRef.name', binding, objective, world)
    : undefined

export const objectiveBelongsToPool: Check = ({ binding, world, pool, objective }) => {
  if (pool.kind !== 'found' || objective?.kind !== 'found') return undefined
  const problem = strangerProblem(objective.object.poolRef, pool)
  if (problem === undefined) return undefined
  const rule = 'objectiveOfAnotherPool'
  const at = { field: 'spec.objectiveRef.name', cause: 'Invalid', value: objective.name } as const
  const words = `spec.objectiveRef.name ${show(objective.name)}: InferenceObjective ${problem}`
  const { poolRef, objectiveRef } = binding.spec
  const earlier = [
    ...before(pool.resource, meantBy(poolRef, poolResources)),
    ...(objectiveRef ? before(objective.resource, meantBy(objectiveRef, objectiveResources)) : []),
  ]
  return unreadFinding(rule, at, `${words}, and`, unreadAmong(earlier, world)) ?? finding(rule, at, words)
}

/** The kinds in which an object would have been found before one of this kind. */
const before = (found: Resource, kinds: readonly Resource[]): readonly Resource[] =>
  kinds.slice(0, kinds.indexOf(found))

/** Why an objective, by its `spec.poolRef`, does not belong to a pool; undefined if it does. */
export function strangerProblem(
  poolRef: PoolRef,
  pool: { readonly name: unknown; readonly resource: Resource },
): string | undefined {
  if (poolRef.kind === 'unusable') return poolRef.problem
  if (poolRef.name !== pool.name) return `spec.poolRef.name ${show(poolRef.name)} is not ${show(pool.name)}`
  if (poolRef.group === undefined || poolRef.group === pool.resource.group) return undefined
  return `spec.poolRef.group ${show(poolRef.group)} is not ${show(pool.resource.group)}, where the pool is`
}
