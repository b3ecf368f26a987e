import type { JsonObject } from './json.ts'
import type { Resource } from './resources.ts'

/** The answer to a request for one object, classified by what a caller can do about it. */
export type Reply =
  | { readonly kind: 'done'; readonly object: JsonObject }
  /** 404, in a Status: there is no such object. */
  | { readonly kind: 'absent' }
  /** 409: somebody changed the object first; the caller has to read it again. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** Any other 4xx: the same request will be refused again until something changes. */
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  /** The connection failed, or the answer was a 5xx, 408 or 429: the request may or may not have taken effect. */
  | {
      readonly kind: 'failed'
      readonly cause: string
      readonly retryAfterMs: number | undefined
      /** The HTTP code and the Status's reason, where there was an answer. */
      readonly code?: number
      readonly reason?: string
    }

export type ObjectName = { readonly namespace?: string; readonly name: string }

/** Requests to the API server for single objects. None of these methods throws. */
export type Objects = {
  readonly get: (resource: Resource, at: ObjectName, signal?: AbortSignal) => Promise<Reply>
  readonly create: (resource: Resource, object: JsonObject, options?: WriteOptions) => Promise<Reply>
  /** Replaces the object, if it still has the resourceVersion that `object` carries. */
  readonly replace: (resource: Resource, object: JsonObject, options?: WriteOptions) => Promise<Reply>
  readonly replaceStatus: (resource: Resource, object: JsonObject) => Promise<Reply>
  /** RFC 7386. A `metadata.resourceVersion` in the patch is a precondition. */
  readonly mergePatch: (resource: Resource, at: ObjectName, patch: JsonObject) => Promise<Reply>
  readonly remove: (resource: Resource, at: ObjectName, preconditions: Preconditions) => Promise<Reply>
}

type WriteOptions = { readonly dryRun?: boolean }

/** The object as it was seen. If it was changed or replaced since, the answer is a conflict. */
type Preconditions = { readonly uid: string; readonly resourceVersion: string }
