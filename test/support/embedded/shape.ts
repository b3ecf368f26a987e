import { isRecord, listOf, recordOf, type Json } from './json.ts'

const own = (value: Json, key: string): boolean => Object.hasOwn(value, key)

const childSchema = (schema: Json, key: string): Json | undefined => {
  const property = recordOf(schema['properties'])[key]
  if (isRecord(property)) return property
  return isRecord(schema['additionalProperties']) ? schema['additionalProperties'] : undefined
}

const typeMeta = new Set(['apiVersion', 'kind', 'metadata'])

const keepsUnknown = (schema: Json): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true || schema['additionalProperties'] === true

const pruneRecord = (
  schema: Json,
  value: Json,
  path: string,
  dropped: string[],
  isResource: boolean,
): Json => {
  const kept: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    const child = childSchema(schema, key)
    if (isResource && typeMeta.has(key)) kept[key] = item
    else if (child !== undefined) kept[key] = pruneAt(child, item, at, dropped)
    else if (keepsUnknown(schema)) kept[key] = item
    else dropped.push(at)
  }
  return kept
}

const pruneAt = (schema: Json, value: unknown, path: string, dropped: string[]): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return isRecord(items)
      ? value.map((item, index) => pruneAt(items, item, `${path}[${index}]`, dropped))
      : listOf(value)
  }
  if (!isRecord(value)) return value
  return pruneRecord(schema, value, path, dropped, schema['x-kubernetes-embedded-resource'] === true)
}

/** Drops what a structural schema does not know, and names it. `apiVersion`, `kind` and `metadata` always stay. */
export const prune = (
  schema: Json,
  object: Json,
): { readonly object: Json; readonly dropped: readonly string[] } => {
  const dropped: string[] = []
  return { object: pruneRecord(schema, object, '', dropped, true), dropped }
}

/** A null where the schema allows none counts as absent. */
const defaultProperties = (schema: Json, value: Json): Json => {
  const filled: Record<string, unknown> = { ...value }
  for (const [key, property] of Object.entries(recordOf(schema['properties']))) {
    if (!isRecord(property)) continue
    if (value[key] === null && property['nullable'] !== true) delete filled[key]
    if (own(property, 'default') && !own(filled, key)) filled[key] = property['default']
  }
  return filled
}

/** Fills in the defaults of a structural schema, those inside defaults too. */
export const withDefaults = (schema: Json, value: unknown): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return isRecord(items) ? value.map((item) => withDefaults(items, item)) : listOf(value)
  }
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(defaultProperties(schema, value)).map(([key, item]) => {
      const child = childSchema(schema, key)
      return [key, child === undefined ? item : withDefaults(child, item)]
    }),
  )
}
