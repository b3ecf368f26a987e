import type { Json } from './json.ts'
import type { KubeObject } from './object.ts'

/** A column of the table that `kubectl get` prints. A `date` cell is an RFC 3339 text; table.ts makes it an age. */
export type Column = {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  readonly priority: number
  readonly cell: (object: KubeObject) => unknown
}

export type Kind = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** Has a status subresource, so that a write of the object leaves the status alone. */
  readonly hasStatus: boolean
  readonly hasGeneration: boolean
  /** An update without a resourceVersion is refused. */
  readonly needsVersion: boolean
  readonly custom: boolean
  /** A structural schema; only custom resources have one. */
  readonly schema?: Json
  readonly columns: readonly Column[]
  /** A kind that is only asked, never stored: gives the status of what was posted. */
  readonly answer?: (object: KubeObject) => Json
}

export const groupVersion = (kind: Kind): string =>
  kind.group === '' ? kind.version : `${kind.group}/${kind.version}`

/** How messages and the store name a resource: `widgets.example.com`, `secrets`. */
export const groupResource = (kind: Kind): string =>
  kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`

export const crdResource = 'customresourcedefinitions.apiextensions.k8s.io'
