import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { clusterSpiffeIdResource as kind } from '../../src/core/resources.ts'
import { schemaIn, schemaSummary } from '../../src/operator/schema-seen.ts'
import { ServedSchemas } from '../../src/operator/served-schemas.ts'

const documented = { description: 'one', title: 'one', example: 'one', externalDocs: { url: 'one' } }

/** A schema with one of each place that holds further schemas, and a field and a default of the name `description`. */
const schemaWith = (documents: JsonObject, { length = 10, otherwise = 'x' } = {}): JsonObject => {
  const text = { type: 'string', maxLength: length, ...documents }
  const inner = { type: 'object', properties: { description: text, name: text }, ...documents }
  return {
    type: 'object',
    properties: {
      spec: { ...inner, default: { description: otherwise } },
      list: { type: 'array', items: inner, anyOf: [text, inner], ...documents },
      map: { type: 'object', additionalProperties: inner },
    },
    ...documents,
  }
}

type Given = {
  readonly schema: JsonObject
  readonly generation: number
  readonly uid?: string
  readonly served?: boolean
}

/** What is kept of a definition in the summary, and read from it. */
function seen({ schema, generation, uid = 'a', served = true }: Given) {
  const metadata = { name: 'x', uid, resourceVersion: String(generation), generation }
  const versions = [{ name: 'v1alpha1', served, schema: { openAPIV3Schema: schema } }]
  return schemaIn({ metadata, summary: schemaSummary({ metadata, spec: { versions } }) })
}

const plain = schemaWith({})

const arrange = () => {
  const schemas = new ServedSchemas({ settlesMs: 0, settled: () => undefined })
  schemas.note(kind, seen({ schema: plain, generation: 1 }))
  return schemas
}

test('a kind that is only described anew has the schema that it had', () => {
  const schemas = arrange()
  const before = schemas.of(kind)
  expect(schemas.note(kind, seen({ schema: schemaWith(documented), generation: 2 }))).toBe(false)
  expect(schemas.of(kind)).toBe(before)
  expect(schemas.note(kind, seen({ schema: plain, generation: 3 }))).toBe(false)
})

const others: readonly (readonly [string, Given])[] = [
  ['another limit', { schema: schemaWith({}, { length: 11 }), generation: 2 }],
  ['another default', { schema: schemaWith({}, { otherwise: 'y' }), generation: 2 }],
  ['a field more', { schema: { ...plain, properties: { description: {} } }, generation: 2 }],
  ['another definition of the same name', { schema: plain, generation: 1, uid: 'b' }],
  ['something beside the schema', { schema: plain, generation: 2, served: false }],
  ['a generation between that was not seen', { schema: plain, generation: 3 }],
]

test.each(others)('%s is another schema', (_, other) => {
  const schemas = arrange()
  const before = schemas.of(kind)
  expect(schemas.note(kind, seen(other))).toBe(true)
  expect(schemas.of(kind)).not.toBe(before)
})

test('a schema that has settled stays settled when it is described anew', async () => {
  const settled = Promise.withResolvers<void>()
  const schemas = new ServedSchemas({ settlesMs: 0, settled: () => settled.resolve() })
  schemas.note(kind, seen({ schema: plain, generation: 1 }))
  schemas.note(kind, seen({ schema: schemaWith({}, { length: 11 }), generation: 2 }))
  const fresh = schemas.of(kind)
  schemas.freshen(kind)
  await settled.promise
  const everywhere = schemas.of(kind)
  expect(everywhere).not.toBe(fresh)
  schemas.note(kind, seen({ schema: schemaWith(documented, { length: 11 }), generation: 3 }))
  expect(schemas.of(kind)).toBe(everywhere)
})

test('a kind that comes and goes replaces no schema', () => {
  const schemas = arrange()
  expect(schemas.note(kind, undefined)).toBe(false)
  expect(schemas.of(kind)).toBe(undefined)
  expect(schemas.note(kind, seen({ schema: schemaWith({}, { length: 11 }), generation: 2 }))).toBe(false)
})
