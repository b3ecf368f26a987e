/** What is said of a kind that is not served. */
import { nearest } from '../core/nearest.ts'
import { allResources } from '../core/resources.ts'
import { show } from '../core/show.ts'
import type { SchemaCause } from '../schema/cause.ts'
import type { Definition } from '../schema/definition.ts'
import { causeAt } from '../schema/validate.ts'

export const isKnownGroup = (group: string, definitions: readonly Definition[]): boolean =>
  definitions.some((one) => one.group === group)

/**
 * Whether all that is known of a kind is its name, and in which versions it was published once. A cluster may serve it in others, so
 * nothing is said of its objects.
 */
export const isKnownByName = (kind: string, definitions: readonly Definition[]): boolean =>
  definitions.some((one) => one.kind === kind) &&
  !allResources.some((one) => one.kind === kind) &&
  !definitions.some((one) => one.kind === kind && one.schema)

/** The cause in kubectl's words, with a hint after them. */
export const notServed = (apiVersion: string, kind: string, hint: string): SchemaCause =>
  causeAt(
    ['apiVersion'],
    'NotServed',
    apiVersion,
    `no matches for kind ${show(kind)} in version ${show(apiVersion)}${hint}`,
  )

/** The hint for a kind whose objects are judged by a definition that the cluster lacks. */
export const installFirst =
  '; install its CustomResourceDefinition first or, if what installs it is not applied yet, name that with --crds'

/** The hint for a kind that is unknown: what is served of that name, or a name like it. */
export function hintAt(apiVersion: string, kind: string, definitions: readonly Definition[]): string {
  const names = definitions.map((one) => `${one.kind} in version ${one.group}/${one.version}`)
  const served = new Set(
    definitions.filter((one) => one.kind === kind).map((one) => `${one.group}/${one.version}`),
  )
  const near = nearest(`${kind} in version ${apiVersion}`, names)
  return served.size > 0
    ? `; served is ${[...served].join(', ')}`
    : near === undefined
      ? ''
      : `; did you mean ${near}?`
}
