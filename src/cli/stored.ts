import { bindingKey, type BindingKey } from '../core/binding.ts'
import { field, numberOr, objectOr, sameJson, type JsonObject } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import type { Manifest } from './manifests.ts'

/** The bindings as an API server stores them: what no client may write is carried over from one version to the next. */
export class StoredBindings {
  readonly #objects = new Map<BindingKey, JsonObject>()

  /** What would be stored of a manifest. Other objects than bindings are stored as they are written. */
  after(manifest: Manifest): Manifest {
    const before = isBinding(manifest) ? this.#objects.get(keyOf(manifest)) : undefined
    return before ? { ...manifest, object: updated(manifest.object, before) } : manifest
  }

  /** @param stored what `after` gave, or an object of the cluster */
  store(stored: Manifest): void {
    if (isBinding(stored)) this.#objects.set(keyOf(stored), stored.object)
  }
}

const isBinding = ({ resource }: Manifest): boolean => resource === bindingResource

const keyOf = ({ namespace, name }: Manifest): BindingKey => bindingKey(namespace, name)

/**
 * Fields of metadata that are carried over: the API server alone writes them or, of the finalizers, the operator. So nothing that is
 * applied brings a binding back that is being deleted.
 */
const servers = ['uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'finalizers'] as const

/** An update of a binding: of another spec there is another generation, and the status stays until the loop writes it. */
function updated(object: JsonObject, before: JsonObject): JsonObject {
  const { status: _status, ...written } = object
  const earlier = objectOr(field(before, 'metadata'))
  const isSameSpec = sameJson(objectOr(field(object, 'spec')), objectOr(field(before, 'spec')))
  const status = field(before, 'status')
  return {
    ...written,
    metadata: {
      ...without(objectOr(field(object, 'metadata')), servers),
      ...only(earlier, servers),
      generation: numberOr(field(earlier, 'generation'), 1) + (isSameSpec ? 0 : 1),
    },
    ...(status !== undefined && { status }),
  }
}

const only = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)))

const without = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
