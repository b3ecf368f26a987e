import {
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
  poolResources,
  type Resource,
} from '../core/resources.ts'
import type { Definition } from './definition.ts'
import { binding, clusterSpiffeId, experimentalPool, objectiveOf, pool } from './published.ts'
import type { Schema } from './schema.ts'

const schemas: Readonly<Record<string, Schema>> = {
  [gvk(bindingResource)]: binding,
  'inference.networking.k8s.io/v1/InferencePool': pool,
  'inference.networking.x-k8s.io/v1alpha2/InferencePool': experimentalPool,
  'inference.networking.x-k8s.io/v1alpha2/InferenceObjective': objectiveOf({ type: 'integer' }),
  'llm-d.ai/v1alpha2/InferenceObjective': objectiveOf({ type: 'integer', format: 'int32' }),
  [gvk(clusterSpiffeIdResource)]: clusterSpiffeId,
}

/** Kinds that the same projects serve and that the operator does not use. */
const others: readonly Pick<Resource, 'group' | 'version' | 'kind' | 'namespaced'>[] = [
  ...['InferenceModel', 'InferenceModelRewrite'].map((other) => ({
    group: 'inference.networking.x-k8s.io',
    version: 'v1alpha2',
    kind: other,
    namespaced: true,
  })),
  {
    group: 'inference.networking.x-k8s.io',
    version: 'v1alpha1',
    kind: 'InferencePoolImport',
    namespaced: true,
  },
  { group: 'llm-d.ai', version: 'v1alpha2', kind: 'InferenceModelRewrite', namespaced: true },
  ...['ClusterFederatedTrustDomain', 'ClusterStaticEntry', 'ControllerManagerConfig'].map((other) => ({
    group: 'spire.spiffe.io',
    version: 'v1alpha1',
    kind: other,
    namespaced: false,
  })),
]

/**
 * The definitions of a cluster in which everything is installed. For some kinds that a reference may mean no project
 * publishes a schema.
 */
export const knownDefinitions: readonly Definition[] = [
  ...[bindingResource, ...poolResources, ...objectiveResources, clusterSpiffeIdResource].map((resource) => ({
    ...resource,
    schema: schemas[gvk(resource)],
    hasStatus: true,
    unread: [],
  })),
  ...others.map((other) => ({ ...other, schema: undefined, hasStatus: true, unread: [] })),
]
