import { listOf, recordOf, type Json } from './json.ts'
import type { Column, Kind } from './kind.ts'
import type { KubeObject } from './object.ts'

export const age: Column = {
  name: 'Age',
  type: 'date',
  format: '',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  priority: 0,
  cell: (object) => object.metadata.creationTimestamp,
}

const column = (name: string, type: string, cell: Column['cell']): Column => ({
  name,
  type,
  format: '',
  description: name,
  priority: 0,
  cell,
})

const spec = (object: KubeObject): Json => recordOf(object['spec'])

type BuiltIn = Pick<Kind, 'group' | 'version' | 'kind' | 'plural'> & Partial<Kind>

const builtIn = (kind: BuiltIn): Kind => ({
  listKind: `${kind.kind}List`,
  singular: kind.kind.toLowerCase(),
  shortNames: [],
  categories: [],
  namespaced: false,
  hasStatus: false,
  hasGeneration: false,
  needsVersion: false,
  custom: false,
  columns: [age],
  ...kind,
})

const webhooks = column('Webhooks', 'integer', (object) => listOf(object['webhooks']).length)

const webhookConfiguration = (kind: string): Kind =>
  builtIn({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    hasGeneration: true,
    needsVersion: true,
    columns: [webhooks, age],
  })

const yes = (): Json => ({ allowed: true })

// Authorization is not this server's subject: whoever has a token may do everything.
const reviews = [
  builtIn({
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    answer: yes,
  }),
  builtIn({
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SubjectAccessReview',
    plural: 'subjectaccessreviews',
    answer: yes,
  }),
]

export const builtInKinds: readonly Kind[] = [
  builtIn({
    group: '',
    version: 'v1',
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    hasStatus: true,
    columns: [column('Status', 'string', (object) => recordOf(object['status'])['phase']), age],
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'Secret',
    plural: 'secrets',
    namespaced: true,
    columns: [
      column('Type', 'string', (object) => object['type']),
      column('Data', 'string', (object) => String(Object.keys(recordOf(object['data'])).length)),
      age,
    ],
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    namespaced: true,
    columns: [
      column('Data', 'string', (object) => String(Object.keys(recordOf(object['data'])).length)),
      age,
    ],
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    namespaced: true,
  }),
  builtIn({
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
    needsVersion: true,
    columns: [column('Holder', 'string', (object) => spec(object)['holderIdentity']), age],
  }),
  builtIn({
    group: 'events.k8s.io',
    version: 'v1',
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    namespaced: true,
    columns: [
      column('Type', 'string', (object) => object['type']),
      column('Reason', 'string', (object) => object['reason']),
      column('Message', 'string', (object) => object['note']),
    ],
  }),
  builtIn({
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    hasStatus: true,
    hasGeneration: true,
    needsVersion: true,
    columns: [column('Created At', 'string', (object) => object.metadata.creationTimestamp)],
  }),
  webhookConfiguration('ValidatingWebhookConfiguration'),
  webhookConfiguration('MutatingWebhookConfiguration'),
  ...reviews,
]
