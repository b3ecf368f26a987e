import { cleanup, established } from './builtins.ts'
import { deleteOrMark } from './deleting.ts'
import { crdResource } from './kind.ts'
import { isDeleting, nameOf, withMeta, type KubeObject } from './object.ts'
import type { Store } from './store.ts'

const namespaces = 'namespaces'

/** Deletes what a deleting definition or namespace still holds, and then itself. */
const drain = (
  store: Store,
  holder: { readonly resource: string; readonly key: string },
  contents: readonly { readonly resource: string; readonly object: KubeObject }[],
): void => {
  for (const { resource, object } of contents) {
    if (!isDeleting(object)) deleteOrMark(store, resource, object)
  }
  // Objects with finalizers are still there. When the last of them ends, this function is called again.
  const object = store.get(holder.resource, holder.key)
  const isEmpty = contents.every(({ resource, object: item }) => {
    const key = `${item.metadata.namespace ?? ''}/${nameOf(item)}`
    return store.get(resource, key) === undefined
  })
  if (object === undefined || !isEmpty) return
  const finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanup)
  const next = withMeta(object, { finalizers })
  if (finalizers.length === 0) store.remove(holder.resource, next)
  else if (finalizers.length !== object.metadata.finalizers?.length) store.put(holder.resource, next)
}

/**
 * The controllers of the API server that clients notice: a new definition becomes Established; a deleting definition
 * or namespace takes its objects with it, waiting for their finalizers. (A real namespace is emptied by the
 * controller manager.) Gives a function that stops them.
 */
export const startLifecycle = (store: Store): (() => void) => {
  const pending = new Set<NodeJS.Immediate>()
  // Work that a request causes is done after its answer, as in the real server.
  const soon = (work: () => void): void => {
    const immediate = setImmediate(() => {
      pending.delete(immediate)
      work()
    })
    pending.add(immediate)
  }
  const settleDefinition = (key: string): void => {
    const crd = store.get(crdResource, key)
    if (crd === undefined) return
    if (!isDeleting(crd)) {
      store.put(crdResource, established(crd))
      return
    }
    const resource = nameOf(crd)
    const contents = store.list(resource).map((object) => ({ resource, object }))
    drain(store, { resource: crdResource, key }, contents)
  }
  const settleNamespace = (key: string): void => {
    const namespace = store.get(namespaces, key)
    if (namespace === undefined || !isDeleting(namespace)) return
    drain(store, { resource: namespaces, key }, store.inNamespace(nameOf(namespace)))
  }
  const unsubscribe = store.subscribe(({ type, resource, object }) => {
    const key = `/${nameOf(object)}`
    if (type === 'DELETED') {
      const holder = store.get(crdResource, `/${resource}`)
      if (holder !== undefined && isDeleting(holder)) soon(() => settleDefinition(`/${resource}`))
      if (object.metadata.namespace !== undefined)
        soon(() => settleNamespace(`/${object.metadata.namespace}`))
      return
    }
    if (resource === crdResource && (type === 'ADDED' || isDeleting(object)))
      soon(() => settleDefinition(key))
    if (resource === namespaces && isDeleting(object)) soon(() => settleNamespace(key))
  })
  return () => {
    unsubscribe()
    pending.forEach(clearImmediate)
  }
}
