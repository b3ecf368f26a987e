import { randomBytes } from 'node:crypto'
import { vi } from 'vitest'
import { createClient, type Client, type Endpoint } from '../embedded/client.ts'
import { recordOf, textOf, type Json } from '../embedded/json.ts'

/** An API server under test, with a namespace and a kind of the suite's own. */
export type Subject = {
  readonly client: Client
  readonly endpoint: Endpoint
  readonly namespace: string
  readonly group: string
  /** Of the widgets in the namespace. */
  readonly widgets: string
  readonly crd: string
  readonly close: () => Promise<void>
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const text = { type: 'string' }

/** A kind with one of everything that the operator's kinds use. */
export const widgetDefinition = (group: string): Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Color', type: 'string', jsonPath: '.spec.color' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'First', type: 'string', jsonPath: '.status.ids[0].id' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, maximum: 10 },
                  color: { ...text, enum: ['red', 'blue'], default: 'red' },
                  note: { ...text, maxLength: 8, pattern: '^[a-z]*$' },
                  tags: { type: 'array', maxItems: 2, items: text },
                  labels: { type: 'object', additionalProperties: text },
                  nested: { type: 'object', default: {}, properties: { deep: { ...text, default: 'x' } } },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  port: { 'x-kubernetes-int-or-string': true },
                },
              },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
})

const isEstablished = (crd: Json): boolean => {
  const { conditions } = recordOf(crd['status'])
  return JSON.stringify(conditions ?? []).includes('"type":"Established"')
}

export const openSubject = async (endpoint: Endpoint): Promise<Subject> => {
  const client = createClient(endpoint)
  const group = `conformance-${randomBytes(4).toString('hex')}.example.com`
  const crd = `${definitions}/widgets.${group}`
  const metadata = { generateName: 'conformance-' }
  const made = await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata })
  const namespace = textOf(recordOf(made.body['metadata'])['name'])
  const widgets = `/apis/${group}/v1/namespaces/${namespace}/widgets`
  await client.post(definitions, widgetDefinition(group))
  // A definition is Established a moment before its kind is served.
  await vi.waitUntil(async () => isEstablished((await client.get(crd)).body), { timeout: 10_000 })
  await vi.waitUntil(async () => (await client.get(widgets)).code === 200, { timeout: 10_000 })
  return {
    client,
    endpoint,
    namespace,
    group,
    widgets,
    crd,
    close: async () => {
      await client.delete(crd)
      await client.delete(`/api/v1/namespaces/${namespace}`)
      await client.close()
    },
  }
}

export const widget = ({ group }: Subject, name: string, spec: Json, metadata: Json = {}): Json => ({
  apiVersion: `${group}/v1`,
  kind: 'Widget',
  metadata: { name, ...metadata },
  spec,
})

export const metaOf = (object: Json): Json => recordOf(object['metadata'])

export const versionOf = (object: Json): string => textOf(metaOf(object)['resourceVersion'])

export const listVersion = async ({ client, widgets }: Subject): Promise<string> =>
  versionOf((await client.get(widgets)).body)
