import type { Output } from './clusterspiffeid.ts'
import type { Settings } from './identity.ts'
import { field, textOr, type JsonObject } from './json.ts'
import { decodeLabelSelector, maySelect, selects, type LabelSelector } from './label-selector.ts'

/**
 * Somebody else's ClusterSPIFFEID with `fallback: true`: SPIRE Controller Manager drops what it gives to a pod as soon
 * as one without `fallback` selects that pod, whatever account and container that one is for.
 */
export type Fallback = {
  readonly name: string
  readonly className: string
  readonly pods: LabelSelector
  readonly namespaces: LabelSelector
}

/** Undefined for one that is no fallback, that is going, or that selects nothing. */
export function decodeFallback({ name, owner, deleting, spec }: Output): Fallback | undefined {
  if (owner !== undefined || deleting || field(spec, 'fallback') !== true) return undefined
  const pods = decodeLabelSelector(field(spec, 'podSelector'))
  const namespaces = decodeLabelSelector(field(spec, 'namespaceSelector'))
  return pods && namespaces && { name, className: textOr(field(spec, 'className'), ''), pods, namespaces }
}

/** Which pods are meant: those that are there by all their labels or, where these are not known, any that have some. */
export type PodsMeant = {
  readonly namespace: string
  readonly there: readonly { readonly labels: JsonObject }[]
  readonly labels: JsonObject
}

/** Whether it may give an identity to one of these pods. Of the labels of the namespace its name alone is known. */
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
