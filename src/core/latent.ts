/**
 * What a binding could come to stand for. A reference without a group takes the first object of its row, so another
 * object of the same name, in a later group, counts as soon as the first is gone; and an object in an earlier group
 * takes the place of one that is there. Admission judges all of them, since the order in which objects come must not
 * decide what is refused.
 */
import type { Binding } from './binding.ts'
import { strangerProblem } from './checks/objective.ts'
import { candidateObjectives, candidatePools, type Facts } from './facts.ts'
import { collisionKey, workloadSelectors } from './selectors.ts'

/** The collision keys of every pair of pool and objective that the references can lead to, but for the one that is `held`. */
export function latentKeys(facts: Facts, held: string | undefined): readonly string[] {
  const { namespace, spec } = facts.binding
  const { mode, serviceAccountName, containerName } = spec
  if (mode !== 'PerObjective' || typeof serviceAccountName !== 'string' || typeof containerName !== 'string')
    return none
  const pools = candidatePools(facts)
  // What most bindings have: one pool, whose key they hold.
  if (pools.length === 0 || (pools.length === 1 && held !== undefined)) return none
  const objectives = candidateObjectives(facts)
  const keys = pools.flatMap(({ resource, object: { selector } }) => {
    const isServing = objectives.some(
      ({ object }) => strangerProblem(object.poolRef, { name: spec.poolRef.name, resource }) === undefined,
    )
    if (selector.kind !== 'labels' || !isServing) return []
    const { pods } = selector
    const selectors = workloadSelectors(namespace, serviceAccountName, pods, containerName)
    return [collisionKey(namespace, pods, selectors, containerName)]
  })
  const others = new Set(keys.filter((key) => key !== held))
  return others.size === 0 ? none : [...others]
}

/** Shared, since hardly any binding has such keys. */
const none: readonly string[] = []

/** The container that a PerObjective binding asks for, in the words of its own spec. */
export function referenceOf({ namespace, spec }: Binding): string | undefined {
  const { mode, poolRef, serviceAccountName, containerName } = spec
  if (mode !== 'PerObjective') return undefined
  return JSON.stringify([namespace, poolRef.name, poolRef.group ?? '', serviceAccountName, containerName])
}
