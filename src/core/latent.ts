/**
 * The identities that a binding could come to have. A reference without a group leads to the object in the first
 * group that has one of the name. If that object is deleted, the reference leads to one in a later group; if one is
 * created in an earlier group, the reference leads there. Admission judges all of them, because the order in which
 * objects are created must not decide what is refused.
 */
import { workloadsRefOf, type Binding } from './binding.ts'
import { strangerProblem } from './checks/objective.ts'
import { candidateObjectives, type Facts } from './facts.ts'
import { collisionKey, workloadSelectors } from './selectors.ts'

/** The collision keys of all pairs of pool and objective that the references can lead to, except the `held` one. */
export function latentKeys(facts: Facts, held: string | undefined): readonly string[] {
  const { namespace, spec } = facts.binding
  const { mode, serviceAccountName, containerName } = spec
  if (mode !== 'PerObjective' || typeof serviceAccountName !== 'string' || typeof containerName !== 'string')
    return none
  const { pools } = facts
  // Most bindings have one pool and hold its key already.
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

/** One shared list, because hardly any binding has latent keys. */
const none: readonly string[] = []

/** The container that a PerObjective binding asks for, as one text, told by the references in its spec. */
export const containerRefOf = (binding: Binding): string | undefined =>
  binding.spec.mode === 'PerObjective' ? workloadsRefOf(binding) : undefined
