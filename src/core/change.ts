import { field, objectOr, textOr } from './json.ts'
import type { Resource } from './resources.ts'

/** A change in the cluster, as a watch reports it. Objects are raw JSON; the inventory decodes them. */
export type Change =
  | { readonly kind: 'upserted'; readonly resource: Resource; readonly object: unknown }
  | {
      readonly kind: 'removed'
      readonly resource: Resource
      readonly namespace: string
      readonly name: string
    }
  | {
      readonly kind: 'served'
      readonly resource: Resource
      readonly served: boolean
      /** Identifies the schema that the kind is served with. Another value means that the schema may have changed. */
      readonly schema?: string | undefined
      /** The versions that are served instead, if the kind is unread. */
      readonly otherVersions?: readonly string[] | undefined
    }

/** The spec of an object, which a decoder is to look at. */
export const specOf = (object: unknown): unknown => objectOr(object)['spec']

/** Namespace and name of an object; empty texts where it has none. */
export function nameOf(object: unknown): { readonly namespace: string; readonly name: string } {
  const metadata = objectOr(objectOr(object)['metadata'])
  return { namespace: textOr(field(metadata, 'namespace'), ''), name: textOr(field(metadata, 'name'), '') }
}
