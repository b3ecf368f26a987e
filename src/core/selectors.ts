import { field, isObject, type JsonObject } from './json.ts'
import { byBytes, isLabelKey, isNonEmptyLabelValue } from './names.ts'
import { show } from './show.ts'

/** A pool's `spec.selector`: the labels it selects by, or why it can't be rendered deterministically. */
export type PodSelector =
  | { readonly kind: 'labels'; readonly pods: PodLabels }
  | { readonly kind: 'unusable'; readonly problem: string }

export type Labels = { readonly [key: string]: string }

/**
 * Labels of pods in the forms in which they are needed often. They are computed once for a pool and shared by its
 * bindings.
 */
export type PodLabels = {
  readonly labels: Labels
  /** `key=value`, sorted. */
  readonly pairs: readonly string[]
  /** As SPIRE's k8s workload attestor shows them, sorted. */
  readonly selectors: readonly string[]
}

export function podLabels(labels: Labels): PodLabels {
  const entries = Object.entries(labels)
  return {
    labels,
    // A label key contains no `=`, so the joined text is unambiguous.
    pairs: entries.map(([key, value]) => `${key}=${value}`).toSorted(byBytes),
    selectors: entries.map(([key, value]) => `k8s:pod-label:${key}:${value}`).toSorted(byBytes),
  }
}

/** Whether `labels` includes all of `wanted`, so that `wanted` selects a pod with `labels`. */
export const hasLabels = (labels: JsonObject, wanted: Labels): boolean =>
  Object.keys(wanted).every((key) => Object.hasOwn(labels, key) && labels[key] === wanted[key])

/** Whether one of two selectors selects all pods that the other selects. */
export const doNest = (a: Labels, b: Labels): boolean => hasLabels(a, b) || hasLabels(b, a)

/**
 * Reads the structured form (`matchLabels`) and the flat one of `inference.networking.x-k8s.io`. A selector that uses
 * anything but labels with a value is refused, because SPIRE has no selectors that mean the same.
 */
export function decodePodSelector(selector: unknown): PodSelector {
  if (selector === undefined) return unusable('spec.selector is missing')
  if (!isObject(selector)) return unusable(`spec.selector ${show(selector)} is not an object`)
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
    if (!Array.isArray(expressions))
      return unusable(`spec.selector.matchExpressions ${show(expressions)} is not a list`)
    if (expressions.length > 0)
      return unusable('spec.selector.matchExpressions is not empty: expressions have no SPIRE selector')
  }
  const labels = selector['matchLabels']
  if (!isObject(labels)) return unusable(`spec.selector.matchLabels ${show(labels)} is not an object`)
  if (Object.keys(labels).length === 0)
    return unusable('spec.selector.matchLabels is empty and would select every pod')
  return decodeLabels(labels, 'spec.selector.matchLabels')
}

function decodeLabels(labels: JsonObject, path: string): PodSelector {
  const decoded: [string, string][] = []
  // Keys are looked at in order, so that of several problems always the same one is named.
  for (const key of Object.keys(labels).toSorted(byBytes)) {
    const value = labels[key]
    const at = `${path}[${show(key)}]`
    if (!isLabelKey(key)) return unusable(`${at} is not a label key`)
    if (typeof value !== 'string') return unusable(`${at} ${show(value)} is not a string`)
    if (!isNonEmptyLabelValue(value)) {
      const remedy = value === '' ? ': give it a value or remove the key' : ''
      return unusable(`${at} ${show(value)} is not a non-empty label value${remedy}`)
    }
    decoded.push([key, value])
  }
  return { kind: 'labels', pods: podLabels(Object.fromEntries(decoded)) }
}

const unusable = (problem: string): PodSelector => ({ kind: 'unusable', problem })

/** The canonical form of a selector, which is also the `podSelector` of a ClusterSPIFFEID. */
export const podSelectorOf = (labels: Labels): { readonly matchLabels: Labels } => ({ matchLabels: labels })

/** The sorted selectors that a workload must have to get the identity, as SPIRE's k8s workload attestor names them. */
export function workloadSelectors(
  namespace: string,
  serviceAccount: string,
  pods: PodLabels,
  container: string | undefined,
): readonly string[] {
  const others = [`k8s:ns:${namespace}`, ...pods.selectors, `k8s:sa:${serviceAccount}`]
  return container === undefined ? others : [`k8s:container-name:${container}`, ...others]
}

/**
 * Two PerObjective bindings with one key would hand two identities to one container. JSON frames the parts, so that no
 * two different tuples give the same text. It is kept for every binding, so the selectors that follow from the other parts
 * are left out where all of them are there and the list is sorted, which leaves no doubt of what it was.
 */
export function collisionKey(
  namespace: string,
  pods: PodLabels,
  selectors: readonly string[],
  container: string,
): string {
  // Both lists are sorted, as a rule, so that one pass finds what one of them has beside the other.
  const implied = [`k8s:container-name:${container}`, `k8s:ns:${namespace}`, ...pods.selectors]
  const others: string[] = []
  let found = 0
  for (const selector of selectors)
    if (selector === implied[found]) found += 1
    else others.push(selector)
  const isSorted = selectors.every(
    (selector, index) => index === 0 || (selectors[index - 1] ?? '') < selector,
  )
  const isUsual = isSorted && found === implied.length
  return JSON.stringify([namespace, pods.pairs, isUsual ? others : { all: selectors }, container])
}
