import type { Reference } from './binding.ts'
import { field, isObject } from './json.ts'
import { isDns1123Subdomain, trimSpace } from './names.ts'
import { poolResources, type Resource } from './resources.ts'
import { decodePodSelector, type PodSelector } from './selectors.ts'
import { show } from './show.ts'

/** The parts of an InferencePool that the operator uses. */
export type Pool = { readonly selector: PodSelector }

/** The parts of an InferenceObjective that the operator uses. */
export type Objective = { readonly poolRef: PoolRef }

/** An objective's `spec.poolRef`, decoded and checked as far as that needs no binding. */
export type PoolRef =
  | { readonly kind: 'usable'; readonly name: string; readonly group: string | undefined }
  | { readonly kind: 'unusable'; readonly problem: string }

/**
 * The result of following a reference. `wanted` are the kinds that it may mean, `tried` the served ones of them that were looked
 * in, both in order.
 */
export type Lookup<T> =
  | { readonly kind: 'unusable'; readonly blankName: boolean; readonly unsupportedGroup: boolean }
  | { readonly kind: 'unserved'; readonly wanted: readonly Resource[] }
  | {
      readonly kind: 'absent'
      readonly name: string
      readonly wanted: readonly Resource[]
      readonly tried: readonly Resource[]
    }
  | { readonly kind: 'found'; readonly name: string; readonly resource: Resource; readonly object: T }

export const decodePool = (spec: unknown): Pool => ({
  selector: decodePodSelector(isObject(spec) ? field(spec, 'selector') : undefined),
})

export const decodeObjective = (spec: unknown, namespace: string): Objective => ({
  poolRef: decodePoolRef(isObject(spec) ? field(spec, 'poolRef') : undefined, namespace),
})

function decodePoolRef(poolRef: unknown, namespace: string): PoolRef {
  if (!isObject(poolRef)) return unusable('spec.poolRef is not an object')
  const name = field(poolRef, 'name')
  if (typeof name !== 'string' || trimSpace(name) === '')
    return unusable(`spec.poolRef.name ${show(name)} is not a name`)
  const group = field(poolRef, 'group') ?? ''
  if (typeof group !== 'string') return unusable(`spec.poolRef.group ${show(group)} is not a string`)
  const trimmedGroup = trimSpace(group)
  if (trimmedGroup !== '' && !poolResources.some((resource) => resource.group === trimmedGroup))
    return unusable(`spec.poolRef.group ${show(trimmedGroup)} holds no InferencePool`)
  const home = field(poolRef, 'namespace') ?? ''
  if (typeof home !== 'string' || (home !== '' && home !== namespace))
    return unusable(`spec.poolRef.namespace ${show(home)} is not ${show(namespace)}`)
  const kind = field(poolRef, 'kind') ?? ''
  if (typeof kind !== 'string' || (kind !== '' && kind !== 'InferencePool'))
    return unusable(`spec.poolRef.kind ${show(kind)} is not "InferencePool"`)
  return { kind: 'usable', name: trimSpace(name), group: trimmedGroup === '' ? undefined : trimmedGroup }
}

/** The kinds of a row that a reference may mean. */
export const meantBy = ({ group }: Reference, row: readonly Resource[]): readonly Resource[] =>
  group === undefined ? row : row.filter((resource) => resource.group === group)

const unusable = (problem: string): PoolRef => ({ kind: 'unusable', problem })

/**
 * Every object that a reference can lead to: first the one that `lookUp` finds, then those that it would find if the
 * earlier ones did not exist.
 */
export function candidatesOf<T>(
  { name, group }: Reference,
  row: readonly Resource[],
  isServed: (resource: Resource) => boolean,
  find: (resource: Resource, name: string) => T | undefined,
): readonly Candidate<T>[] {
  if (typeof name !== 'string' || !isDns1123Subdomain(name)) return []
  const candidates: Candidate<T>[] = []
  for (const resource of row) {
    const isAsked = (group === undefined || resource.group === group) && isServed(resource)
    const object = isAsked ? find(resource, name) : undefined
    if (object !== undefined) candidates.push({ resource, object })
  }
  return candidates
}

/** An object and the kind as which it was found. */
export type Candidate<T> = { readonly resource: Resource; readonly object: T }

/**
 * Follows a reference: looks in the served kinds that it may mean, in their order, and returns the first object
 * found.
 */
export function lookUp<T>(
  reference: Reference,
  row: readonly Resource[],
  isServed: (resource: Resource) => boolean,
  find: (resource: Resource, name: string) => T | undefined,
): Lookup<T> {
  const { name } = reference
  const wanted = meantBy(reference, row)
  const unsupportedGroup = wanted.length === 0
  if (typeof name !== 'string' || name === '' || unsupportedGroup)
    return { kind: 'unusable', blankName: typeof name !== 'string' || name === '', unsupportedGroup }
  const tried = wanted.filter(isServed)
  if (tried.length === 0) return { kind: 'unserved', wanted }
  for (const resource of isDns1123Subdomain(name) ? tried : []) {
    const object = find(resource, name)
    if (object !== undefined) return { kind: 'found', name, resource, object }
  }
  return { kind: 'absent', name, wanted, tried }
}
