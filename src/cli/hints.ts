import type { Binding, Reference } from '../core/binding.ts'
import type { RuleName } from '../core/findings.ts'
import { nearest } from '../core/nearest.ts'
import { collisionFix, isRefusedCollision, type Remark } from '../core/remarks.ts'
import { objectiveResources, poolResources, type Resource } from '../core/resources.ts'
import type { JudgedFinding } from '../core/verdict.ts'
import type { Manifest } from './manifests.ts'

/**
 * What a binding could have meant by the name of a missing object, or what to do about a collision. Hints are printed for people
 * and never stand in a status.
 */
export type Hint = (finding: JudgedFinding) => string | undefined

const rows: { readonly [rule in RuleName]?: readonly Resource[] } = {
  targetPoolNotFound: poolResources,
  targetObjectiveNotFound: objectiveResources,
}

/** @param known all known objects */
export function hintsFrom(
  known: readonly Manifest[],
): (binding: Binding, remarks?: readonly Remark[]) => Hint {
  const byNamespace = Map.groupBy(known, ({ namespace }) => namespace)
  return (binding, remarks = []) =>
    (finding) => {
      if (isRefusedCollision(finding)) return collisionFix(binding, remarks)
      const { namespace, spec } = binding
      const { rule, value } = finding
      const row = rows[rule]
      if (!row || typeof value !== 'string') return undefined
      const reference = row === poolResources ? spec.poolRef : spec.objectiveRef
      const there = (byNamespace.get(namespace) ?? []).filter(({ resource }) => row.includes(resource))
      const meant = nearMissOf(reference, there)
      switch (meant?.kind) {
        case 'otherGroup': {
          // Without a group the reference means that one too; it is only missing because it is refused itself.
          const why = reference?.group === undefined ? ', but it is refused' : ''
          return `there is one in group ${meant.groups.join(', ')}${why}`
        }
        case 'similarName':
          return `did you mean \`${meant.name}\`?`
        case undefined:
          return undefined
      }
    }
}

/** What a reference to a missing object may have been meant to name. */
export type NearMiss =
  /** An object of the same name in a group that the reference does not name. */
  | { readonly kind: 'otherGroup'; readonly groups: readonly string[] }
  | { readonly kind: 'similarName'; readonly name: string }

/** @param there the objects of the namespace that are of the right kind, in any group */
export function nearMissOf(
  reference: Reference | undefined,
  there: readonly Manifest[],
): NearMiss | undefined {
  const name = reference?.name
  if (typeof name !== 'string') return undefined
  const namesakes = there.filter((one) => one.name === name && one.resource.group !== reference?.group)
  if (namesakes.length > 0)
    return { kind: 'otherGroup', groups: namesakes.map(({ resource }) => resource.group) }
  const others = new Set(there.map((one) => one.name))
  others.delete(name)
  const near = nearest(name, [...others])
  return near === undefined ? undefined : { kind: 'similarName', name: near }
}
