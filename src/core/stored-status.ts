/** Reads an existing status, whether this operator or the former operator wrote it. */
import { conditionIn, readyIn, type Outcome } from './conditions.ts'
import type { Settings } from './identity.ts'
import { field, objectOr, sameJson, textOr, type JsonObject } from './json.ts'

/** The SPIFFE ID and the selectors that a status shows. */
export function identityIn(status: JsonObject): IdentityInWords | undefined {
  const list = field(status, 'renderedSelectors')
  const [first] = Array.isArray(list) ? list.map(objectOr) : []
  const selectors = field(first ?? {}, 'selectors')
  return first && Array.isArray(selectors) ? { spiffeId: first['spiffeID'], selectors } : undefined
}

type IdentityInWords = { readonly spiffeId: unknown; readonly selectors: readonly unknown[] }

/** The identity that a status shows and the different one that an outcome gives; undefined if the identity stays. */
export function changeOfIdentity(
  status: JsonObject,
  outcome: Outcome,
): { readonly before: IdentityInWords; readonly after: IdentityInWords } | undefined {
  const before = identityIn(status)
  if (!before || outcome.kind !== 'ready') return undefined
  const { spiffeId, selectors } = outcome.identity
  const after = { spiffeId, selectors }
  return sameJson(before, after) ? undefined : { before, after }
}

/** The settings that a status was written under; undefined if it shows no identity. */
export function settingsIn(status: JsonObject): Settings | undefined {
  const trustDomain = textOr(field(status, 'trustDomain'), '')
  if (trustDomain === '' || !conditionIn(status, 'Ready')) return undefined
  return { trustDomain, className: textOr(field(status, 'clusterSPIFFEIDClassName'), '') || undefined }
}

/**
 * Whether a status is about this generation of the binding. A new binding has the default `observedGeneration: -1`,
 * which is about none.
 */
export function isCurrent(status: JsonObject, generation: number): boolean {
  const ready = readyIn(status)
  return ready !== undefined && ready.status !== 'Unknown' && ready.observedGeneration === generation
}
