import { field, isObject, type JsonObject } from './json.ts'
import { byBytes, isLabelKey, isNonEmptyLabelValue } from './names.ts'
import { show } from './show.ts'

/** A pool's `spec.selector`: labels sorted by key, or why it can't be rendered deterministically. */
export type PodSelector =
  | { readonly kind: 'labels'; readonly labels: Labels }
  | { readonly kind: 'unusable'; readonly problem: string }

export type Labels = { readonly [key: string]: string }

/**
 * Reads the structured form (`matchLabels`) and the flat one of `inference.networking.x-k8s.io`.
 * Whatever selects by anything else than labels that are there with a value is refused: SPIRE could not be
 * given selectors that mean the same.
 */
export function decodePodSelector(selector: unknown): PodSelector {
  if (!isObject(selector)) return unusable('spec.selector is not an object')
  if (Object.keys(selector).length === 0) return unusable('spec.selector is empty and would select every pod')
  if (Object.hasOwn(selector, 'matchLabels')) return decodeStructured(selector)
  const expressions = field(selector, 'matchExpressions')
  if (Object.hasOwn(selector, 'matchExpressions') && typeof expressions !== 'string')
    return unusable('spec.selector selects by matchExpressions alone')
  return decodeLabels(selector, 'spec.selector')
}

function decodeStructured(selector: JsonObject): PodSelector {
  const stranger = Object.keys(selector)
    .toSorted(byBytes)
    .find((key) => key !== 'matchLabels' && key !== 'matchExpressions')
  if (stranger !== undefined) return unusable(`spec.selector has the unknown field ${show(stranger)}`)
  if (Object.hasOwn(selector, 'matchExpressions')) {
    const expressions = selector['matchExpressions']
    if (!Array.isArray(expressions)) return unusable('spec.selector.matchExpressions is not a list')
    if (expressions.length > 0)
      return unusable('spec.selector.matchExpressions is not empty: expressions have no SPIRE selector')
  }
  const labels = selector['matchLabels']
  if (!isObject(labels)) return unusable('spec.selector.matchLabels is not an object')
  if (Object.keys(labels).length === 0)
    return unusable('spec.selector.matchLabels is empty and would select every pod')
  return decodeLabels(labels, 'spec.selector.matchLabels')
}

function decodeLabels(labels: JsonObject, path: string): PodSelector {
  const sorted: [string, string][] = []
  for (const key of Object.keys(labels).toSorted(byBytes)) {
    const value = labels[key]
    const at = `${path}[${show(key)}]`
    if (!isLabelKey(key)) return unusable(`${at} is not a label key`)
    if (typeof value !== 'string') return unusable(`${at} is not a string`)
    if (!isNonEmptyLabelValue(value)) return unusable(`${at} ${show(value)} is not a non-empty label value`)
    sorted.push([key, value])
  }
  return { kind: 'labels', labels: Object.fromEntries(sorted) }
}

const unusable = (problem: string): PodSelector => ({ kind: 'unusable', problem })

/** The one canonical form, which is also what a ClusterSPIFFEID's `podSelector` is given. */
export const podSelectorOf = (labels: Labels): { readonly matchLabels: Labels } => ({ matchLabels: labels })

/** What a workload must show to get the identity; SPIRE's k8s workload attestor names them. */
export function workloadSelectors(
  namespace: string,
  serviceAccount: string,
  labels: Labels,
  container: string | undefined,
): readonly string[] {
  const selectors = new Set([
    `k8s:ns:${namespace}`,
    `k8s:sa:${serviceAccount}`,
    ...Object.entries(labels).map(([key, value]) => `k8s:pod-label:${key}:${value}`),
    ...(container === undefined ? [] : [`k8s:container-name:${container}`]),
  ])
  return [...selectors].toSorted(byBytes)
}

/**
 * Two PerObjective bindings with one key would hand two identities to one container. JSON frames the parts,
 * so that no two different tuples give the same text.
 */
export const collisionKey = (
  namespace: string,
  labels: Labels,
  selectors: readonly string[],
  container: string,
): string => JSON.stringify([namespace, sortedLabels(labels), selectors, container])

/** No label key has a `=`. */
const sortedLabels = (labels: Labels): readonly string[] =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted(byBytes)
