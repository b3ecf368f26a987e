import { field, type JsonObject } from './json.ts'

export type Resource = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

// The kinds that this operator reads and writes, and the order in which a reference without a group tries them.
// Groups and versions are those of the Gateway API Inference Extension, llm-d and SPIRE Controller Manager. There is
// one Resource of each kind, so that they can be told apart by identity.

export const bindingResource = {
  group: 'kleym.sonda.red',
  version: 'v1alpha1',
  kind: 'InferenceIdentityBinding',
  plural: 'inferenceidentitybindings',
  namespaced: true,
} as const satisfies Resource

export const clusterSpiffeIdResource = {
  group: 'spire.spiffe.io',
  version: 'v1alpha1',
  kind: 'ClusterSPIFFEID',
  plural: 'clusterspiffeids',
  namespaced: false,
} as const satisfies Resource

const pool = (group: string, version: string): Resource => ({
  group,
  version,
  kind: 'InferencePool',
  plural: 'inferencepools',
  namespaced: true,
})

const objective = (group: string, version: string): Resource => ({
  group,
  version,
  kind: 'InferenceObjective',
  plural: 'inferenceobjectives',
  namespaced: true,
})

export const poolResources: readonly Resource[] = [
  pool('inference.networking.k8s.io', 'v1'),
  pool('inference.networking.x-k8s.io', 'v1alpha2'),
]

export const objectiveResources: readonly Resource[] = [
  objective('llm-d.ai', 'v1alpha2'),
  objective('inference.networking.x-k8s.io', 'v1alpha2'),
  objective('inference.networking.k8s.io', 'v1'),
]

/** All kinds but the binding's own. Any of them may be installed and removed while the operator runs. */
export const optionalResources: readonly Resource[] = [
  ...poolResources,
  ...objectiveResources,
  clusterSpiffeIdResource,
]

/** All kinds that decide about identities. */
export const allResources: readonly Resource[] = [bindingResource, ...optionalResources]

/** A namespace's label can turn refusals into warnings. */
export const namespaceResource: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
}

/** The label of a namespace that turns refusals into warnings there, for restores of objects that existed before. */
export const admissionLabel = 'kleym.sonda.red/admission'

/** Whether a namespace with these labels gets warnings only. */
export const warnsOnly = (labels: JsonObject): boolean => field(labels, admissionLabel) === 'warn'

/** Leases hold the leadership and the claims on collision keys. */
export const leaseResource: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
}

/** CustomResourceDefinitions tell which of the kinds above are served. */
export const definitionResource: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}

export const eventResource: Resource = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
}

const coreResource = (kind: string, plural: string): Resource => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
})

/** A Secret has the certificates and the tokens of the webhook. */
export const secretResource = coreResource('Secret', 'secrets')

/** A ConfigMap has what the leader publishes about the operator. */
export const configMapResource = coreResource('ConfigMap', 'configmaps')

export const podResource = coreResource('Pod', 'pods')

/** `group/version/Kind`: how logs, `--served` and the worked cases name a kind. */
export const gvk = (resource: Resource): string => `${resource.group}/${resource.version}/${resource.kind}`

/** The name of the CustomResourceDefinition that serves a kind. */
export const crdName = (resource: Resource): string => `${resource.plural}.${resource.group}`
