/** What the former operator's versions have in a cluster, in our own words: their kind and the objects as they leave them. */
import { createHash } from 'node:crypto'
import { finalizer } from '../../../../src/core/binding.ts'
import { bindingResource, clusterSpiffeIdResource, crdName } from '../../../../src/core/resources.ts'
import type { Json } from '../../../support/embedded/json.ts'
import type { Manifest } from '../../../support/vectors.ts'
import { trustDomain } from './stage.ts'

const formerVersions = ['v0.7.4', 'v0.9.0', 'v0.11.0', 'v0.12.0'] as const
export type FormerVersion = (typeof formerVersions)[number]

const text = { type: 'string' }
const list = (items: Json): Json => ({ type: 'array', items })
const record = (properties: Json, required: readonly string[] = []): Json => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})
const reference = record({ name: text, group: text }, ['name'])

const specs: Readonly<Record<FormerVersion, Json>> = {
  'v0.7.4': withModes(),
  'v0.9.0': withModes(),
  'v0.11.0': record({ poolRef: reference, serviceAccountName: text }, ['poolRef', 'serviceAccountName']),
  'v0.12.0': record({ poolRef: reference, serviceAccountName: text, identityBoundary: text }, [
    'poolRef',
    'serviceAccountName',
    'identityBoundary',
  ]),
}

function withModes(): Json {
  const mode = { ...text, enum: ['PoolOnly', 'PerObjective'], default: 'PerObjective' }
  const names = { serviceAccountName: text, containerName: text }
  return record({ poolRef: reference, objectiveRef: reference, mode, ...names }, [
    'poolRef',
    'serviceAccountName',
  ])
}

const conditions: Json = {
  ...list(
    record(
      {
        type: text,
        status: text,
        observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
        lastTransitionTime: { ...text, format: 'date-time' },
        reason: text,
        message: { ...text, maxLength: 32768 },
      },
      ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    ),
  ),
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
}

const isLater = (version: FormerVersion): boolean => version === 'v0.11.0' || version === 'v0.12.0'

/** The kind as a version has it. Its status knows neither `renderedClusterSPIFFEID` nor a generation of its own. */
export const formerDefinition = (version: FormerVersion): Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: crdName(bindingResource) },
  spec: {
    group: bindingResource.group,
    scope: 'Namespaced',
    names: {
      kind: bindingResource.kind,
      plural: bindingResource.plural,
      singular: 'inferenceidentitybinding',
      listKind: `${bindingResource.kind}List`,
    },
    versions: [
      {
        name: bindingResource.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: record({
            spec: specs[version],
            status: record({
              conditions,
              computedSpiffeIDs: list(record({ mode: text, spiffeID: text })),
              renderedSelectors: list(record({ spiffeID: text, selectors: list(text) })),
              ...(version !== 'v0.7.4' && { trustDomain: text, clusterSPIFFEIDClassName: text }),
            }),
          }),
        },
      },
    ],
  },
})

/** A binding, its status, and its ClusterSPIFFEID. */
type Left = { readonly binding: Manifest; readonly status: Json; readonly output: Manifest }

/** What a version leaves: a binding for the whole pool and, if the version knows modes, one for an objective. */
export function leftBy(version: FormerVersion, namespace: string): readonly Left[] {
  const whole = { poolRef: { name: 'chat' }, serviceAccountName: 'server' }
  if (version === 'v0.12.0') {
    const id = `spiffe://${trustDomain}/ns/${namespace}/sa/server/inference/pool/chat/boundary/blue`
    const label = 'k8s:pod-label:kleym.sonda.red/boundary:blue'
    return [left(version, namespace, 'whole', 'pool', id, { ...whole, identityBoundary: 'blue' }, [label])]
  }
  const pool = `spiffe://${trustDomain}/ns/${namespace}/pool/chat`
  if (isLater(version)) return [left(version, namespace, 'whole', 'pool', pool, whole, [])]
  const one = { ...whole, mode: 'PerObjective', objectiveRef: { name: 'chat' }, containerName: 'main' }
  const objective = `spiffe://${trustDomain}/ns/${namespace}/objective/chat`
  return [
    left(version, namespace, 'whole', 'pool', pool, { ...whole, mode: 'PoolOnly' }, []),
    left(version, namespace, 'one', 'objective', objective, one, ['k8s:container-name:main']),
  ]
}

function left(
  version: FormerVersion,
  namespace: string,
  name: string,
  kind: 'pool' | 'objective',
  spiffeID: string,
  spec: Json,
  more: readonly string[],
): Left {
  const selectors = [`k8s:ns:${namespace}`, 'k8s:pod-label:app:chat', 'k8s:sa:server', ...more].toSorted()
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  const types = isLater(version)
    ? ['Ready', 'InvalidRef', 'UnsafeSelector', 'RenderFailure']
    : ['Ready', 'Conflict', 'InvalidRef', 'UnsafeSelector', 'RenderFailure']
  return {
    binding: {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      metadata: { name, finalizers: [finalizer] },
      spec,
    },
    status: {
      conditions: types.map((type) => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        reason: type === 'Ready' ? 'Reconciled' : 'Resolved',
        message: 'Binding reconciled',
        observedGeneration: 1,
        lastTransitionTime,
      })),
      computedSpiffeIDs: [{ spiffeID }],
      renderedSelectors: [{ spiffeID, selectors }],
      ...(version !== 'v0.7.4' && { trustDomain }),
    },
    output: {
      apiVersion: `${clusterSpiffeIdResource.group}/${clusterSpiffeIdResource.version}`,
      kind: clusterSpiffeIdResource.kind,
      metadata: { name: nameBy(namespace, name, kind, spiffeID), labels: labelsOf(namespace, name) },
      spec: {
        spiffeIDTemplate: spiffeID,
        podSelector: { matchLabels: { app: 'chat' } },
        workloadSelectorTemplates: selectors,
        fallback: false,
        hint: `${namespace}/${name}`,
      },
    },
  }
}

/** How the former operator names and labels what it takes for its own. */
const nameBy = (namespace: string, name: string, kind: string, spiffeID: string): string =>
  `kleym-${namespace}-${name}-${kind}-${createHash('sha1').update(spiffeID).digest('hex').slice(0, 8)}`

const labelsOf = (namespace: string, name: string): Readonly<Record<string, string>> => ({
  'kleym.sonda.red/managed-by': 'kleym',
  'kleym.sonda.red/binding-name': name,
  'kleym.sonda.red/binding-namespace': namespace,
})

/** What an object must have for the former operator to take it for its own. */
export const acceptedBack = (
  namespace: string,
  name: string,
  kind: 'pool' | 'objective',
  spiffeID: string,
): Json => ({
  metadata: { name: nameBy(namespace, name, kind, spiffeID), labels: labelsOf(namespace, name) },
  spec: { spiffeIDTemplate: spiffeID, hint: `${namespace}/${name}` },
})
