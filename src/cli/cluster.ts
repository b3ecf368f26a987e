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

/** Lists the current cluster, read only: one namespace of it where that is all that is asked for. */
export type ReadCluster = (namespace?: string) => Promise<ClusterSnapshot>
