import { isObject } from '../core/json.ts'
import { fieldSchema, type Schema } from './schema.ts'

/** What happens to a null where null is not allowed and no default is declared. */
export type Nulls = 'kept' | 'dropped'

/**
 * Fills in the defaults of absent fields, and of nulls where null is not allowed. If such a null has no default, the
 * API server drops it (`dropped`). Fields that the schema does not know are left alone.
 */
export function withDefaults(value: unknown, schema: Schema | undefined, nulls: Nulls): unknown {
  if (!schema) return value
  if (Array.isArray(value)) return value.map((item: unknown) => withDefaults(item, schema.items, nulls))
  if (!isObject(value)) return value
  const given = Object.entries(value).flatMap(([name, inner]): readonly (readonly [string, unknown])[] => {
    const known = fieldSchema(schema, name)
    if (inner !== null || !known || known.nullable) return [[name, inner]]
    if (known.default !== undefined) return [[name, known.default]]
    return nulls === 'kept' ? [[name, inner]] : []
  })
  const names = new Set(given.map(([name]) => name))
  const absent = Object.entries(schema.properties ?? {}).flatMap(([name, known]) =>
    known.default === undefined || names.has(name) ? [] : [[name, known.default] as const],
  )
  return Object.fromEntries(
    [...given, ...absent].map(([name, inner]) => [
      name,
      withDefaults(inner, fieldSchema(schema, name), nulls),
    ]),
  )
}
