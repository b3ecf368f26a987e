/**
 * The schemas of the kinds that count, as their projects publish them: GAIE 1.4 to 1.6, llm-d-router 0.9 and SPIRE
 * Controller Manager 0.6. A test compares them with the CustomResourceDefinitions. Of a status, which no client sets,
 * only the names of the fields are kept.
 */
import type { Schema } from './schema.ts'

const text = (rules: Schema = {}): Schema => ({ type: 'string', ...rules })
const object = (properties: Record<string, Schema>, ...required: readonly string[]): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})
const list = (items: Schema, rules: Schema = {}): Schema => ({ type: 'array', items, ...rules })
const mapOf = (additionalProperties: Schema, rules: Schema = {}): Schema => ({
  type: 'object',
  additionalProperties,
  ...rules,
})

/** Fields of a status: their names, and what is inside them. */
const fields = (...names: readonly string[]): Record<string, Schema> =>
  Object.fromEntries(names.map((name) => [name, {}]))

const root = (spec: Schema, status: Schema, ...required: readonly string[]): Schema => ({
  ...object({ apiVersion: text(), kind: text(), metadata: { type: 'object' }, spec, status }),
  ...(required.length > 0 && { required }),
})

const conditions: Schema = {
  items: {
    properties: fields('type', 'status', 'observedGeneration', 'lastTransitionTime', 'reason', 'message'),
  },
}

export const binding = root(
  object(
    {
      poolRef: object(
        { name: text({ maxLength: 1024 }), group: text({ nullable: true, maxLength: 1024 }) },
        'name',
      ),
      objectiveRef: {
        ...object({
          name: text({ nullable: true, maxLength: 1024 }),
          group: text({ nullable: true, maxLength: 1024 }),
        }),
        nullable: true,
      },
      mode: text({ default: 'PerObjective', maxLength: 1024 }),
      serviceAccountName: text({ maxLength: 1024 }),
      containerName: text({ nullable: true, maxLength: 1024 }),
    },
    'poolRef',
    'serviceAccountName',
  ),
  {
    properties: {
      ...fields('observedGeneration', 'trustDomain', 'clusterSPIFFEIDClassName'),
      conditions,
      computedSpiffeIDs: { items: { properties: fields('mode', 'spiffeID') } },
      renderedSelectors: {
        items: { properties: { ...fields('spiffeID'), selectors: { items: {} } } },
      },
      renderedClusterSPIFFEID: { properties: fields('name', 'uid', 'spiffeID', 'observedGeneration') },
    },
  },
  'spec',
)

const anyGroup = '^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'
const kind = text({ pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', minLength: 1, maxLength: 63 })
const name = text({ minLength: 1, maxLength: 253 })
const port: Schema = { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 }
const failureMode = text({ default: 'FailClose', enum: ['FailOpen', 'FailClose'] })
const labels = mapOf(
  text({ pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$', minLength: 0, maxLength: 63 }),
)
const parentRef: Schema = { properties: fields('group', 'kind', 'name', 'namespace') }

export const pool = root(
  object(
    {
      appProtocol: text({ default: 'http', enum: ['http', 'kubernetes.io/h2c'] }),
      endpointPickerRef: {
        ...object(
          {
            failureMode,
            group: text({ default: '', pattern: anyGroup, minLength: 0, maxLength: 253 }),
            kind: { ...kind, default: 'Service' },
            name,
            port: object({ number: port }, 'number'),
          },
          'name',
        ),
        'x-kubernetes-validations': [
          {
            rule: "self.kind != 'Service' || has(self.port)",
            message: "port is required when kind is 'Service' or unspecified (defaults to 'Service')",
          },
        ],
      },
      selector: object({ matchLabels: { ...labels, minProperties: 1, maxProperties: 64 } }, 'matchLabels'),
      targetPorts: list(object({ number: port }, 'number'), {
        minItems: 1,
        maxItems: 8,
        'x-kubernetes-validations': [
          {
            rule: 'self.all(p1, self.exists_one(p2, p1.number==p2.number))',
            message: 'port number must be unique',
          },
        ],
      }),
    },
    'selector',
    'targetPorts',
  ),
  {
    properties: {
      parents: { items: { properties: { conditions, ...fields('controllerName'), parentRef } } },
    },
  },
  'spec',
)

export const experimentalPool = root(
  object(
    {
      extensionRef: object(
        {
          failureMode,
          group: text({ default: '', pattern: anyGroup, maxLength: 253 }),
          kind: { ...kind, default: 'Service' },
          name,
          portNumber: port,
        },
        'name',
      ),
      selector: labels,
      targetPortNumber: port,
    },
    'extensionRef',
    'selector',
    'targetPortNumber',
  ),
  { properties: { parent: { items: { properties: { conditions, parentRef } } } } },
)

export const objectiveOf = (priority: Schema): Schema =>
  root(
    object(
      {
        poolRef: object(
          {
            group: text({ default: 'inference.networking.k8s.io', pattern: anyGroup, maxLength: 253 }),
            kind: { ...kind, default: 'InferencePool' },
            name,
          },
          'name',
        ),
        priority,
      },
      'poolRef',
    ),
    { properties: { conditions } },
  )

const selector = object({
  matchExpressions: list(object({ key: text(), operator: text(), values: list(text()) }, 'key', 'operator')),
  matchLabels: mapOf(text()),
})

export const clusterSpiffeId = root(
  object(
    {
      admin: { type: 'boolean' },
      autoPopulateDNSNames: { type: 'boolean' },
      className: text(),
      dnsNameTemplates: list(text()),
      downstream: { type: 'boolean' },
      fallback: { type: 'boolean' },
      federatesWith: list(text()),
      hint: text(),
      jwtTtl: text(),
      namespaceSelector: selector,
      podSelector: selector,
      spiffeIDTemplate: text(),
      ttl: text(),
      workloadSelectorTemplates: list(text()),
    },
    'spiffeIDTemplate',
  ),
  {
    properties: {
      stats: {
        properties: fields(
          'namespacesSelected',
          'namespacesIgnored',
          'podsSelected',
          'podEntryRenderFailures',
          'entriesMasked',
          'entriesToSet',
          'entryFailures',
        ),
      },
    },
  },
  'metadata',
  'spec',
)
