import { current, isDryRun, present, type Api, type Call } from './api.ts'
import { markTerminating } from './builtins.ts'
import { recordOf, textOf } from './json.ts'
import { groupResource } from './kind.ts'
import { isDeleting, keyOf, nameOf, timestamp, withMeta, type KubeObject } from './object.ts'
import { deleted, preconditionFailed, staleWrite, type Status } from './status.ts'
import type { Store } from './store.ts'

const checkPreconditions = (object: KubeObject, { kind, name }: Call, options: unknown): void => {
  const preconditions = recordOf(recordOf(options)['preconditions'])
  const uid = textOf(preconditions['uid'])
  const version = textOf(preconditions['resourceVersion'])
  const { uid: actual = '', resourceVersion = '' } = object.metadata
  if (uid !== '' && uid !== actual) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${actual}). The object might have been deleted and then recreated`
    throw preconditionFailed(kind, name, why)
  }
  if (version !== '' && version !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`
    throw preconditionFailed(kind, name, why)
  }
}

const marked = (object: KubeObject): KubeObject => {
  const { generation } = object.metadata
  return withMeta(object, {
    deletionTimestamp: timestamp(),
    deletionGracePeriodSeconds: 0,
    ...(generation === undefined ? {} : { generation: generation + 1 }),
  })
}

/** Ends an object, or marks it as deleting while somebody's finalizer holds it. */
export const deleteOrMark = (store: Store, resource: string, object: KubeObject): KubeObject | undefined => {
  if ((object.metadata.finalizers ?? []).length > 0) return store.put(resource, marked(object))
  store.remove(resource, object)
  return undefined
}

const end = (api: Api, call: Call, before: KubeObject): KubeObject | Status => {
  const { kind, name } = call
  const resource = groupResource(kind)
  const last = markTerminating(before, kind)
  const lingers = (last.metadata.finalizers ?? []).length > 0 || resource === 'namespaces'
  if (isDryRun(call)) return lingers ? marked(last) : deleted(kind, name, before.metadata.uid ?? '')
  // A namespace lasts until it is empty, whether it has finalizers of this kind or not.
  const left =
    resource === 'namespaces'
      ? api.store.put(resource, marked(last))
      : deleteOrMark(api.store, resource, last)
  return left === undefined ? deleted(kind, name, before.metadata.uid ?? '') : present(kind, left)
}

const attempts = 5

/** Deletes, or marks as deleting what has finalizers. `options` are DeleteOptions. */
export const remove = async (api: Api, call: Call, options: unknown): Promise<KubeObject | Status> => {
  const { kind, namespace, name, user, warn } = call
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const before = current(api, call)
    checkPreconditions(before, call, options)
    const request = {
      operation: 'DELETE',
      kind,
      namespace,
      name,
      user,
      warn,
      dryRun: isDryRun(call),
    } as const
    await api.admission.mutate({ ...request, oldObject: before })
    await api.admission.validate({ ...request, oldObject: before })
    if (api.store.get(groupResource(kind), keyOf(before)) !== before) continue
    return isDeleting(before) ? present(kind, before) : end(api, call, before)
  }
  throw staleWrite(kind, name)
}

export const removeAll = async (
  api: Api,
  call: Call,
  objects: readonly KubeObject[],
  options: unknown,
): Promise<void> => {
  for (const object of objects) {
    const one = { ...call, namespace: object.metadata.namespace ?? '', name: nameOf(object) }
    await remove(api, one, options)
  }
}
