import { isObject, objectOr, type JsonObject } from '../core/json.ts'

/** Any Kubernetes object, as far as it takes to keep track of it. */
export type KubeObject = {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

/** Annotation that `kubectl apply` keeps a whole second copy of the object in. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

export const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * An object as a server stored it; undefined for anything else. `managedFields` and the last-applied annotation are dropped:
 * nobody here reads them, and they are most of an object's size.
 */
export function decodeObject(input: unknown): KubeObject | undefined {
  const object = objectOr(input)
  const { managedFields: _, ...metadata } = objectOr(object['metadata'])
  const { name, namespace, uid, resourceVersion, annotations } = metadata
  if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string')
    return undefined
  return {
    ...object,
    metadata: {
      ...metadata,
      name,
      uid,
      resourceVersion,
      ...(typeof namespace === 'string' && { namespace }),
      ...(isObject(annotations) && { annotations: withoutLastApplied(annotations) }),
    },
  }
}

function withoutLastApplied(annotations: JsonObject): JsonObject {
  const { [lastApplied]: _, ...kept } = annotations
  return kept
}
