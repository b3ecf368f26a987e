import type { Admission } from './admission.ts'
import { crdResource, groupResource, groupVersion, type Kind } from './kind.ts'
import type { Kinds } from './kinds.ts'
import { isDeleting, type KubeObject } from './object.ts'
import type { Snapshots } from './reading.ts'
import { forbidden, notAllowed, notFound } from './status.ts'
import type { Store } from './store.ts'

/** What the verbs work on. */
export type Api = {
  readonly store: Store
  readonly kinds: Kinds
  readonly admission: Admission
  readonly snapshots: Snapshots
}

/** One request for a resource, as its path, query and bearer say. */
export type Call = {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  /** As in RBAC: get, list, watch, create, … */
  readonly verb: string
  readonly subresource: string
  readonly query: URLSearchParams
  readonly user: string
  /** Adds a warning to the answer. */
  readonly warn: (text: string) => void
}

export const isDryRun = ({ query }: Call): boolean => query.getAll('dryRun').includes('All')

/** The object under the version that was asked for; conversion is always None. */
export const present = (kind: Kind, object: KubeObject): KubeObject =>
  object.apiVersion === groupVersion(kind) ? object : { ...object, apiVersion: groupVersion(kind) }

export const current = ({ store }: Api, { kind, namespace, name }: Call): KubeObject => {
  const object = store.get(groupResource(kind), `${namespace}/${name}`)
  if (object === undefined) throw notFound(kind, name)
  return object
}

/** Refuses to create an object in a namespace that is missing, or while the namespace or the definition is being deleted. */
export const requireHome = ({ store, kinds }: Api, { kind, namespace, name }: Call): void => {
  const definition = store.get(crdResource, `/${groupResource(kind)}`)
  if (definition !== undefined && isDeleting(definition)) {
    throw notAllowed('create not allowed while custom resource definition is terminating')
  }
  if (!kind.namespaced) return
  const found = store.get('namespaces', `/${namespace}`)
  const namespaces = kinds.find('', 'v1', 'namespaces')
  if (found === undefined && namespaces !== undefined) throw notFound(namespaces, namespace)
  if (found !== undefined && isDeleting(found)) {
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    const cause = {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    }
    throw forbidden(kind, name, why, { causes: [cause] })
  }
}
