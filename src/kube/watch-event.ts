import { objectOr } from '../core/json.ts'
import { type Refused, statusRefusal } from './answer.ts'
import { asText, decodeObject, type KubeObject } from './object.ts'

/** One line of a watch. `version` is where a later watch can go on from. */
export type WatchEvent =
  | { readonly kind: 'upserted' | 'removed'; readonly object: KubeObject; readonly version: string }
  | { readonly kind: 'bookmark'; readonly version: string }
  | { readonly kind: 'error'; readonly refused: Refused }
  | { readonly kind: 'unreadable' }

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export function decodeWatchEvent(input: unknown): WatchEvent {
  const { type, object } = objectOr(input)
  if (type === 'ERROR') return { kind: 'error', refused: statusRefusal(object) }
  const version = asText(objectOr(objectOr(object)['metadata'])['resourceVersion'])
  if (version === undefined) return { kind: 'unreadable' }
  if (type === 'BOOKMARK') return { kind: 'bookmark', version }
  const decoded = decodeObject(object)
  if (!decoded) return { kind: 'unreadable' }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'upserted', object: decoded, version }
  return type === 'DELETED' ? { kind: 'removed', object: decoded, version } : { kind: 'unreadable' }
}
