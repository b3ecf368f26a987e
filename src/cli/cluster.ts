import type { Resource } from '../core/resources.ts'
import type { Manifest } from './manifests.ts'

/** What a cluster holds of the kinds that count, or why that can't be told. */
export type ClusterSnapshot =
  | {
      readonly kind: 'snapshot'
      readonly served: readonly Resource[]
      readonly manifests: readonly Manifest[]
    }
  | { readonly kind: 'problem'; readonly problem: string }

/** What is wanted of a cluster: without a namespace of all, and of every kind that counts unless only some are named. */
export type Scope = { readonly namespace?: string | undefined; readonly kinds?: readonly Resource[] }

/** Lists the current cluster, read only. Which kinds are served is told of all of them. */
export type ReadCluster = (scope?: Scope) => Promise<ClusterSnapshot>
