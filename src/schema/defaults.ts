import { isObject, type JsonObject } from '../core/json.ts'
import { anywhereIn, fieldSchema, type Schema } from './schema.ts'

/** What happens to a null where null is not allowed and no default is declared. */
export type Nulls = 'kept' | 'dropped'

/**
 * Fills in the defaults of absent fields, and of nulls where null is not allowed. If such a null has no default, the
 * API server drops it (`dropped`). Fields that the schema does not know are left alone. A value to which
 * nothing is added is returned itself, because copying thousands of objects is what takes the time.
 */
export function withDefaults(value: unknown, schema: Schema | undefined, nulls: Nulls): unknown {
  if (!schema || (nulls === 'kept' && !hasDefaults(schema))) return value
  if (Array.isArray(value)) return itemsWithDefaults(value, schema.items, nulls)
  return isObject(value) ? fieldsWithDefaults(value, schema, nulls) : value
}

const hasDefaults = anywhereIn((schema) => schema.default !== undefined)

function itemsWithDefaults(
  list: readonly unknown[],
  schema: Schema | undefined,
  nulls: Nulls,
): readonly unknown[] {
  const items = list.map((item) => withDefaults(item, schema, nulls))
  return items.every((item, at) => item === list[at]) ? list : items
}

function fieldsWithDefaults(object: JsonObject, schema: Schema, nulls: Nulls): JsonObject {
  const changes = new Map<string, unknown>()
  for (const name of Object.keys(object)) {
    const before = object[name]
    const inner = fieldSchema(schema, name)
    if (!inner) continue
    const after = before === null && !inner.nullable ? forNull(inner, nulls) : before
    const filled = withDefaults(after, inner, nulls)
    if (filled !== before) changes.set(name, filled)
  }
  const { properties = {} } = schema
  for (const name of Object.keys(properties)) {
    const inner = properties[name]
    if (inner?.default !== undefined && !Object.hasOwn(object, name))
      changes.set(name, withDefaults(inner.default, inner, nulls))
  }
  if (changes.size === 0) return object
  const fields = new Map([...Object.entries(object), ...changes])
  return Object.fromEntries([...fields].filter(([, inner]) => inner !== undefined))
}

/** What takes the place of a null; undefined if the field is dropped. */
const forNull = (schema: Schema, nulls: Nulls): unknown =>
  schema.default ?? (nulls === 'kept' ? null : undefined)

/** Whether there is a null anywhere in a value. */
export const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value).some(hasNull))
