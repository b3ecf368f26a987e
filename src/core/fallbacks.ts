import type { Output } from './clusterspiffeid.ts'
import type { Settings } from './identity.ts'
import { field, textOr, type JsonObject } from './json.ts'
import { decodeLabelSelector, maySelect, selects, type LabelSelector } from './label-selector.ts'

/**
 * Somebody else's ClusterSPIFFEID with `fallback: true`: SPIRE Controller Manager makes no entry of it for a pod that
 * a ClusterSPIFFEID without `fallback` selects, even if the workload selectors of that one match nothing in the pod.
 */
export type Fallback = {
  readonly name: string
  readonly className: string
  readonly pods: LabelSelector
  readonly namespaces: LabelSelector
}

/** Returns undefined for an output that is no fallback, is being deleted, or selects nothing. */
export function decodeFallback({ name, owner, deleting, spec }: Output): Fallback | undefined {
  if (owner !== undefined || deleting || field(spec, 'fallback') !== true) return undefined
  const pods = decodeLabelSelector(field(spec, 'podSelector'))
  const namespaces = decodeLabelSelector(field(spec, 'namespaceSelector'))
  return pods && namespaces && { name, className: textOr(field(spec, 'className'), ''), pods, namespaces }
}

/**
 * The pods in question: existing ones with all their labels or, if pods are not known, any pod that has certain
 * labels.
 */
export type PodsMeant = {
  readonly namespace: string
  readonly there: readonly { readonly labels: JsonObject }[]
  readonly labels: JsonObject
}

/**
 * Whether a fallback may give an identity to one of these pods. Of the namespace's labels only the one with its name
 * is known.
 */
export function mayServe(
  { className, pods, namespaces }: Fallback,
  { namespace, there, labels }: PodsMeant,
  settings: Settings,
): boolean {
  const isLookedAt = className === '' || className === settings.className
  return (
    isLookedAt &&
    maySelect(namespaces, { 'kubernetes.io/metadata.name': namespace }) &&
    (there.length > 0 ? there.some((pod) => selects(pods, pod.labels)) : maySelect(pods, labels))
  )
}
