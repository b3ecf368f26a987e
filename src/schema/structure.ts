import { isObject, objectOr, type JsonObject } from '../core/json.ts'
import { isBlocking, type SchemaCause } from './cause.ts'
import { undecodable } from './decode.ts'
import { hasNull, withDefaults } from './defaults.ts'
import type { Definition } from './definition.ts'
import { metadataProblems } from './metadata.ts'
import { brokenRules } from './rules.ts'
import { validate } from './validate.ts'

/** An object as an API server makes it before it calls webhooks, and the causes for which it refuses the object. */
export type Structure = {
  /**
   * The object with its defaults. Unknown fields and nulls are still there, because the checks of the core name them.
   */
  readonly object: JsonObject
  readonly causes: readonly SchemaCause[]
}

/**
 * Judges an object by its metadata and the schema of its kind. All causes are returned, although an API server stops
 * after errors of decoding.
 */
export function structureOf(given: JsonObject, definition: Definition): Structure {
  const { schema } = definition
  const object = objectOr(withDefaults(given, schema, 'kept'))
  const decoded = hasNull(given) ? objectOr(withDefaults(given, schema, 'dropped')) : object
  const judged = stored(definition.hasStatus ? withoutStatus(decoded) : decoded)
  const undecoded = undecodable(given, definition)
  const metadata = isObject(judged['metadata']) ? metadataProblems(judged['metadata']) : metadataProblems({})
  const invalid = [...metadata, ...validate(judged, schema)]
  const broken = invalid.some(isBlocking) ? [] : brokenRules(judged, schema)
  const places = new Set(undecoded.map(({ field }) => field))
  return {
    object,
    causes: [...undecoded, ...[...invalid, ...broken].filter(({ field }) => !places.has(field))],
  }
}

/** The object as it is stored: it has metadata, because the API server sets the generation. */
const stored = (object: JsonObject): JsonObject => ({ ...object, metadata: object['metadata'] ?? {} })

/** The object without its status, which the API server drops if the status is a subresource. */
const withoutStatus = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== 'status'))
