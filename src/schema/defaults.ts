import { isObject } from '../core/json.ts'
import { fieldSchema, type Schema } from './schema.ts'

/**
 * An object as the API server has it once it is decoded: a null that may be none is the default, or is not there, and
 * fields that are absent have their defaults. What no schema knows is left as it is.
 */
export function withDefaults(value: unknown, schema: Schema | undefined): unknown {
  if (!schema) return value
  if (Array.isArray(value)) return value.map((item: unknown) => withDefaults(item, schema.items))
  if (!isObject(value)) return value
  const given = Object.entries(value).flatMap(([name, inner]): readonly (readonly [string, unknown])[] => {
    const known = fieldSchema(schema, name)
    if (inner === null && known && !known.nullable)
      return known.default === undefined ? [] : [[name, known.default]]
    return [[name, inner]]
  })
  const names = new Set(given.map(([name]) => name))
  const absent = Object.entries(schema.properties ?? {}).flatMap(([name, known]) =>
    known.default === undefined || names.has(name) ? [] : [[name, known.default] as const],
  )
  return Object.fromEntries(
    [...given, ...absent].map(([name, inner]) => [name, withDefaults(inner, fieldSchema(schema, name))]),
  )
}
