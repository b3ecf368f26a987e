import { isObject, type JsonObject } from '../core/json.ts'
import { fieldSchema, type Schema } from './schema.ts'

/** What happens to a null where null is not allowed and no default is declared. */
export type Nulls = 'kept' | 'dropped'

/**
 * Fills in the defaults of absent fields, and of nulls where null is not allowed. If such a null has no default, the
 * API server drops it (`dropped`). Fields that the schema does not know are left alone. A value to which
 * nothing is added is returned itself, because copying thousands of objects is what takes the time.
 */
export function withDefaults(value: unknown, schema: Schema | undefined, nulls: Nulls): unknown {
  if (!schema) return value
  if (Array.isArray(value)) return itemsWithDefaults(value, schema.items, nulls)
  return isObject(value) ? fieldsWithDefaults(value, schema, nulls) : value
}

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
    const known = fieldSchema(schema, name)
    if (!known) continue
    const after = before === null && !known.nullable ? forNull(known, nulls) : before
    const filled = withDefaults(after, known, nulls)
    if (filled !== before) changes.set(name, filled)
  }
  const { properties = {} } = schema
  for (const name of Object.keys(properties)) {
    const known = properties[name]
    if (known?.default !== undefined && !Object.hasOwn(object, name))
      changes.set(name, withDefaults(known.default, known, nulls))
  }
  if (changes.size === 0) return object
  const fields = new Map([...Object.entries(object), ...changes])
  return Object.fromEntries([...fields].filter(([, inner]) => inner !== undefined))
}

/** Undefined where the field goes. */
const forNull = (schema: Schema, nulls: Nulls): unknown =>
  schema.default ?? (nulls === 'kept' ? null : undefined)
