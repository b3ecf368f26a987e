import type { Binding, Reference } from '../core/binding.ts'
import type { RuleName } from '../core/findings.ts'
import { nearest } from '../core/nearest.ts'
import { objectiveResources, poolResources, type Resource } from '../core/resources.ts'
import type { JudgedFinding } from '../core/verdict.ts'
import type { Manifest } from './manifests.ts'

/**
 * What a binding could have meant by the name of a missing object. Hints are printed for people and never stand in a
 * status.
 */
export type Hint = (finding: JudgedFinding) => string | undefined

const rows: { readonly [rule in RuleName]?: readonly Resource[] } = {
  targetPoolNotFound: poolResources,
  targetObjectiveNotFound: objectiveResources,
}

/** @param known all known objects */
export function hintsFrom(known: readonly Manifest[]): (binding: Binding) => Hint {
  const byNamespace = Map.groupBy(known, ({ namespace }) => namespace)
  return ({ namespace, spec }) =>
    ({ rule, value }) => {
      const row = rows[rule]
      if (!row || typeof value !== 'string') return undefined
      const reference = row === poolResources ? spec.poolRef : spec.objectiveRef
      const there = (byNamespace.get(namespace) ?? []).filter(({ resource }) => row.includes(resource))
      return elsewhere(value, reference, there) ?? alike(value, there)
    }
}

/** An object of the same name in a group that the reference does not mean. */
function elsewhere(
  name: string,
  reference: Reference | undefined,
  there: readonly Manifest[],
): string | undefined {
  const groups = there.flatMap((one) =>
    one.name === name && one.resource.group !== reference?.group ? [one.resource.group] : [],
  )
  if (groups.length === 0) return undefined
  // Without a group the reference means that one too; it is only missing because it is refused itself.
  const why = reference?.group === undefined ? ', but it is refused' : ''
  return `there is one in group ${groups.join(', ')}${why}`
}

function alike(name: string, there: readonly Manifest[]): string | undefined {
  const near = nearest(name, [...new Set(there.map((one) => one.name))])
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}
