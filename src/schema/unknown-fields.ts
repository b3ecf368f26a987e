import { isObject } from '../core/json.ts'
import type { Path } from './path.ts'
import { fieldSchema, type Schema } from './schema.ts'

/**
 * A field that the API server would drop or, with strict field validation, refuse; and the names that are known
 * there.
 */
export type UnknownField = { readonly path: Path; readonly name: string; readonly known: readonly string[] }

/** The fields of an object that its schema does not know. Fields inside an unknown field are not listed. */
export function unknownFields(
  value: unknown,
  schema: Schema | undefined,
  path: Path = [],
): readonly UnknownField[] {
  if (schema?.['x-kubernetes-preserve-unknown-fields'])
    return inner(value, schema, path, (name) => fieldSchema(schema, name) !== undefined)
  return inner(value, schema, path, () => true)
}

function inner(
  value: unknown,
  schema: Schema | undefined,
  path: Path,
  isLookedAt: (name: string) => boolean,
): readonly UnknownField[] {
  if (Array.isArray(value)) {
    const isKept = schema?.['x-kubernetes-preserve-unknown-fields'] === true && !schema.items
    return isKept
      ? []
      : value.flatMap((item: unknown, at) => unknownFields(item, schema?.items, [...path, at]))
  }
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, field]) => {
    const here = [...path, name]
    if (!isLookedAt(name)) return []
    if (schema && isMeta(schema, path, name)) return []
    if (schema && Object.hasOwn(schema.properties ?? {}, name))
      return unknownFields(field, schema.properties?.[name], here)
    if (schema?.additionalProperties === true) return unknownFields(field, undefined, here)
    if (schema && typeof schema.additionalProperties === 'object')
      return unknownFields(field, schema.additionalProperties, here)
    return [{ path: here, name, known: Object.keys(schema?.properties ?? {}) }]
  })
}

const metaFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** Whether a name is one that every object has, whatever its schema says. */
const isMeta = (schema: Schema, path: Path, name: string): boolean =>
  metaFields.has(name) && (path.length === 0 || schema['x-kubernetes-embedded-resource'] === true)
