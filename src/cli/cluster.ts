import type { JsonObject } from '../core/json.ts'
import type { OperatorStatus } from '../core/operator-status.ts'
import type { PodList } from '../core/pods.ts'
import type { Resource } from '../core/resources.ts'
import type { Unread } from '../core/unread.ts'
import type { Definition } from '../schema/definition.ts'
import type { Manifest } from './manifests.ts'

/** The objects of a cluster that bindings depend on, or why they can't be read. */
export type ClusterSnapshot =
  | {
      readonly kind: 'snapshot'
      readonly served: readonly Resource[]
      /** Kinds that are not served in the version that is read, and in which they are. */
      readonly unread?: readonly Unread[]
      readonly manifests: readonly Manifest[]
      /** Kinds that may not be listed, if an incomplete answer was asked for. */
      readonly unseen?: readonly Unseen[]
      /** The schemas by which the cluster judges objects, if they were asked for, and why some can't be read. */
      readonly schemas?: { readonly definitions: readonly Definition[]; readonly unseen: readonly string[] }
    }
  | {
      readonly kind: 'problem'
      readonly problem: string
      /** True if a permission is missing. A question about less may then be allowed. */
      readonly forbidden?: boolean
    }

/** What was read, where that did not fail. */
export type Snapshot = Extract<ClusterSnapshot, { kind: 'snapshot' }>

export type Unseen = { readonly resource: Resource; readonly why: string }

/** What to read from a cluster: all namespaces unless one is named, and all kinds unless some are named. */
export type Scope = {
  readonly namespace?: string | undefined
  readonly kinds?: readonly Resource[]
  /** True to go on without kinds that may not be listed, except bindings. */
  readonly inParts?: boolean
  /** The kinds whose schemas are read, too, as far as they are served. */
  readonly schemas?: readonly Resource[]
}

/** Lists objects of the current cluster. Which kinds are served, or unread, is always told for all kinds. */
export type ReadCluster = (scope?: Scope) => Promise<ClusterSnapshot>

/** The pods of a namespace, all or those that have some of these labels, `key=value`; without finished and deleting ones. */
export type ReadPods = (at: {
  readonly namespace: string
  readonly pairs: readonly string[] | 'any'
}) => Promise<PodsSeen>

export type UnseenPart = { readonly kind: 'unseen'; readonly why: string }

export type PodsSeen = ({ readonly kind: 'seen' } & PodList) | UnseenPart

/** What the operator publishes, and its Deployment: in this namespace or, without one, wherever an operator is found. */
export type ReadOperator = (namespace: string | undefined) => Promise<OperatorSight>

/** The operator's Deployment. */
export type Deployment = {
  readonly namespace: string
  readonly name: string
  readonly ready: number
  readonly wanted: number
  /** The tag of its image; empty if it has none. */
  readonly version: string
}

export type OperatorSight =
  | {
      readonly kind: 'seen'
      readonly namespace: string
      /** Undefined if nothing readable is published, or if it could not be read. */
      readonly status: OperatorStatus | undefined
      /** Undefined if no Deployment is found, or if Deployments could not be read. The operator may run outside the cluster. */
      readonly deployment: Deployment | undefined
      /** Why the status or the Deployment could not be read. One that is undefined without such a reason is not there. */
      readonly unseen?: { readonly status?: string | undefined; readonly deployment?: string | undefined }
    }
  | UnseenPart

/** One Event about an object. */
export type EventSeen = {
  /** RFC 3339. */
  readonly at: string
  readonly type: string
  readonly reason: string
  readonly note: string
  readonly count: number
}

export type EventsSeen = { readonly kind: 'seen'; readonly events: readonly EventSeen[] } | UnseenPart

/** The leader election Leases of SPIRE Controller Managers; a cluster may have several of them. */
export type SpireSight =
  | {
      readonly kind: 'seen'
      readonly leases: readonly { readonly place: string; readonly renewedAt: string }[]
    }
  | UnseenPart

/** Everything that commands read from a cluster. */
export type ClusterReads = {
  /** The default namespace: that of the kubeconfig's context. */
  readonly defaultNamespace: () => Promise<string>
  readonly readCluster: ReadCluster
  readonly readPods: ReadPods
  readonly readOperator: ReadOperator
  readonly readEvents: (at: { readonly namespace: string; readonly name: string }) => Promise<EventsSeen>
  readonly readSpire: () => Promise<SpireSight>
  /** The labels of a namespace; undefined if they may not be read. */
  readonly readNamespace: (name: string) => Promise<JsonObject | undefined>
}
