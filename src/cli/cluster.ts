import type { OperatorStatus } from '../core/operator-status.ts'
import type { JsonObject } from '../core/json.ts'
import type { PodList } from '../core/pods.ts'
import type { Resource } from '../core/resources.ts'
import type { Manifest } from './manifests.ts'

/** What a cluster holds of the kinds that count, or why that can't be told. */
export type ClusterSnapshot =
  | {
      readonly kind: 'snapshot'
      readonly served: readonly Resource[]
      readonly manifests: readonly Manifest[]
      /** What may not be listed, where parts are enough. */
      readonly unseen?: readonly Unseen[]
    }
  | {
      readonly kind: 'problem'
      readonly problem: string
      /** Whether it is a permission that is wanting, which a smaller question may not need. */
      readonly forbidden?: boolean
    }

export type Unseen = { readonly resource: Resource; readonly why: string }

/** What is wanted of a cluster: without a namespace of all, and of every kind that counts unless only some are named. */
export type Scope = {
  readonly namespace?: string | undefined
  readonly kinds?: readonly Resource[]
  /** Goes on without what may not be listed, but for bindings. */
  readonly inParts?: boolean
}

/** Lists the current cluster, read only. Which kinds are served is told of all of them. */
export type ReadCluster = (scope?: Scope) => Promise<ClusterSnapshot>

/** The pods of a namespace, all or those that have some of these labels, `key=value`; without finished and deleting ones. */
export type ReadPods = (at: {
  readonly namespace: string
  readonly pairs: readonly string[] | 'any'
}) => Promise<PodsSeen>

export type UnseenPart = { readonly kind: 'unseen'; readonly why: string }

export type PodsSeen = ({ readonly kind: 'seen' } & PodList) | UnseenPart

/** What the operator says of itself in this namespace; without one, in that of its Deployment. */
export type ReadOperator = (namespace: string | undefined) => Promise<OperatorSight>

/** The operator's Deployment. */
export type Deployment = {
  readonly namespace: string
  readonly name: string
  readonly ready: number
  readonly wanted: number
  /** The tag of its image; empty where it has none. */
  readonly version: string
}

export type OperatorSight =
  | {
      readonly kind: 'seen'
      readonly namespace: string
      /** Undefined where it has said nothing, or nothing that can be read. */
      readonly status: OperatorStatus | undefined
      /** Undefined where there is none, or none that may be read: it may run elsewhere. */
      readonly deployment: Deployment | undefined
    }
  | UnseenPart

/** One event on an object, the first to come first. */
export type Happening = {
  /** RFC 3339. */
  readonly at: string
  readonly type: string
  readonly reason: string
  readonly note: string
  readonly count: number
}

export type EventsSeen = { readonly kind: 'seen'; readonly events: readonly Happening[] } | UnseenPart

/** The Leases by which SPIRE Controller Managers lead; several where a cluster has several. */
export type SpireSight =
  | {
      readonly kind: 'seen'
      readonly leases: readonly { readonly place: string; readonly renewedAt: string }[]
    }
  | UnseenPart

/** Everything that commands read of a cluster. */
export type ClusterReads = {
  /** The namespace that is meant where none is named: that of the kubeconfig's context. */
  readonly home: () => Promise<string>
  readonly readCluster: ReadCluster
  readonly readPods: ReadPods
  readonly readOperator: ReadOperator
  readonly readEvents: (at: { readonly namespace: string; readonly name: string }) => Promise<EventsSeen>
  readonly readSpire: () => Promise<SpireSight>
  /** The labels of a namespace; undefined where they may not be read. */
  readonly readNamespace: (name: string) => Promise<JsonObject | undefined>
}
