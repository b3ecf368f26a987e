import { isObject, objectOr, type JsonObject } from '../core/json.ts'
import { isBlocking, type Cause } from './cause.ts'
import { undecodable } from './decode.ts'
import { withDefaults } from './defaults.ts'
import type { Definition } from './definition.ts'
import { metadataProblems } from './metadata.ts'
import { brokenRules } from './rules.ts'
import { validate } from './validate.ts'

/** What an API server makes of an object before any webhook is asked, and why it refuses it. */
export type Structure = {
  /** With its defaults. Nulls and fields that the schema does not know are still there: the checks of the core name them. */
  readonly object: JsonObject
  readonly causes: readonly Cause[]
}

/** Judges an object by its metadata and the schema of its kind: all that is wrong, though an API server stops at what it can't decode. */
export function structureOf(given: JsonObject, definition: Definition): Structure {
  const { schema } = definition
  const decoded = objectOr(withDefaults(given, schema, 'dropped'))
  const judged = stored(definition.hasStatus ? withoutStatus(decoded) : decoded)
  const undecoded = undecodable(given, definition)
  const metadata = isObject(judged['metadata']) ? metadataProblems(judged['metadata']) : metadataProblems({})
  const invalid = [...metadata, ...validate(judged, schema)]
  const broken = invalid.some(isBlocking) ? [] : brokenRules(judged, schema)
  const places = new Set(undecoded.map(({ field }) => field))
  return {
    object: objectOr(withDefaults(given, schema, 'kept')),
    causes: [...undecoded, ...[...invalid, ...broken].filter(({ field }) => !places.has(field))],
  }
}

/** The API server sets the generation, and so there is metadata. */
const stored = (object: JsonObject): JsonObject => ({ ...object, metadata: object['metadata'] ?? {} })

/** What a client says of a status that is a resource of its own is dropped. */
const withoutStatus = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== 'status'))
