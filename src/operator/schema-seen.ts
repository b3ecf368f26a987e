import { createHash } from 'node:crypto'
import { canonical, field, isObject, objectOr, textOr, numberOr, type JsonObject } from '../core/json.ts'
import type { KubeObject } from '../kube/reflector.ts'

/** What tells one schema of a kind from another, as its CustomResourceDefinition showed it. */
export type SchemaSeen = {
  readonly uid: string
  readonly generation: number
  /** A hash of all that the definition says but its documentation. */
  readonly content: string
}

const schemaField = 'schema'

/** What `schemaIn` needs of a whole CustomResourceDefinition, for the summary that is kept of it. */
export const schemaSummary = (definition: KubeObject): { readonly [schemaField]: SchemaSeen } => ({
  [schemaField]: {
    uid: definition.metadata.uid,
    generation: numberOr(definition.metadata['generation'], 0),
    content: contentOf(objectOr(definition['spec'])),
  },
})

/** The schema in the summary of a definition. */
export function schemaIn(definition: KubeObject | undefined): SchemaSeen | undefined {
  if (!definition) return undefined
  const seen = objectOr(field(objectOr(definition['summary']), schemaField))
  return {
    uid: definition.metadata.uid,
    generation: numberOr(seen['generation'], 0),
    content: textOr(seen['content'], ''),
  }
}

function contentOf(spec: JsonObject): string {
  const versions = field(spec, 'versions')
  const bare = (Array.isArray(versions) ? versions : []).map((version: unknown) => {
    const { schema, ...rest } = objectOr(version)
    return { ...rest, schema: undocumented(field(objectOr(schema), 'openAPIV3Schema')) }
  })
  return createHash('sha256')
    .update(canonical({ ...spec, versions: bare }))
    .digest('base64')
}

/** Keywords of a JSON schema that say nothing about which objects are valid, nor about how they are stored. */
const documentation: ReadonlySet<string> = new Set(['description', 'title', 'example', 'externalDocs'])

/** Keywords whose value names fields of objects, which may be called `description`, and gives each its schema. */
const named: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'definitions', 'dependencies'])

/** Keywords whose value is a schema, or a list of them. Others hold values, such as a default, that are left as they are. */
const nested: ReadonlySet<string> = new Set([
  'items',
  'additionalProperties',
  'additionalItems',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
])

/** A schema without what only documents it. */
function undocumented(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(undocumented)
  if (!isObject(schema)) return schema
  const kept = Object.entries(schema).filter(([keyword]) => !documentation.has(keyword))
  return Object.fromEntries(
    kept.map(([keyword, value]) => {
      if (nested.has(keyword)) return [keyword, undocumented(value)]
      if (named.has(keyword) && isObject(value))
        return [
          keyword,
          Object.fromEntries(Object.entries(value).map(([name, one]) => [name, undocumented(one)])),
        ]
      return [keyword, value]
    }),
  )
}
