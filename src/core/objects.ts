import type { JsonObject } from './json.ts'
import type { Resource } from './resources.ts'

/** What became of a request for one object, sorted by what a caller can do about it. */
export type Reply =
  | { readonly kind: 'done'; readonly object: JsonObject }
  /** 404, in a Status: there is no such object. */
  | { readonly kind: 'absent' }
  /** 409: someone was faster. Look again. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** Any other 4xx: the same request will be refused again until something changes. */
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  /** The connection, a 5xx, 408 or 429: nothing is known of what the request did. */
  | {
      readonly kind: 'failed'
      readonly cause: string
      readonly retryAfterMs: number | undefined
      /** The HTTP code and the Status's reason, where there was an answer. */
      readonly code?: number
      readonly reason?: string
    }

export type Place = { readonly namespace?: string; readonly name: string }

/** The API server, as the layers above ask it about single objects. Nothing of it throws. */
export type Objects = {
  readonly get: (resource: Resource, at: Place, signal?: AbortSignal) => Promise<Reply>
  readonly create: (resource: Resource, object: JsonObject, options?: WriteOptions) => Promise<Reply>
  /** Replaces the object at the resourceVersion it carries. */
  readonly replace: (resource: Resource, object: JsonObject, options?: WriteOptions) => Promise<Reply>
  readonly replaceStatus: (resource: Resource, object: JsonObject) => Promise<Reply>
  /** RFC 7386. A `metadata.resourceVersion` in the patch is a precondition. */
  readonly mergePatch: (resource: Resource, at: Place, patch: JsonObject) => Promise<Reply>
  readonly remove: (resource: Resource, at: Place, preconditions: Preconditions) => Promise<Reply>
}

type WriteOptions = { readonly dryRun?: boolean }

/** The object as it was seen; another one of that name, or a change since, is a conflict. */
type Preconditions = { readonly uid: string; readonly resourceVersion: string }
