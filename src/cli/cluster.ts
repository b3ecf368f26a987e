import type { OperatorStatus } from '../core/operator-status.ts'
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
  | { readonly kind: 'problem'; readonly problem: string }

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

/** The pods of a namespace that have any of these labels, `key=value`; without finished and deleting ones. */
export type ReadPods = (at: {
  readonly namespace: string
  readonly pairs: readonly string[]
}) => Promise<PodsSeen>

export type PodsSeen =
  | ({ readonly kind: 'seen' } & PodList)
  | { readonly kind: 'unseen'; readonly why: string }

/** What the operator says of itself in this namespace. */
export type ReadOperator = (namespace: string) => Promise<OperatorSight>

export type OperatorSight =
  | {
      readonly kind: 'seen'
      /** Undefined where it has said nothing, or nothing that can be read. */
      readonly status: OperatorStatus | undefined
      /** Of its Deployment; undefined where there is none, or none that may be read: it may run elsewhere. */
      readonly replicas: { readonly ready: number; readonly wanted: number } | undefined
    }
  | { readonly kind: 'unseen'; readonly why: string }

/** Everything that commands read of a cluster. */
export type ClusterReads = {
  readonly readCluster: ReadCluster
  readonly readPods: ReadPods
  readonly readOperator: ReadOperator
}
