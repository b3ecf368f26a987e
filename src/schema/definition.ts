import { field, isObject, textOr, type JsonObject } from '../core/json.ts'
import { readSchema, type Schema } from './schema.ts'

/** A served kind and the schema of its objects. */
export type Definition = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly namespaced: boolean
  /** Undefined if the schema is not known. Objects are then judged by their metadata only. */
  readonly schema: Schema | undefined
  /** True if the status is a subresource, so that a status in a client's manifest is dropped. */
  readonly hasStatus: boolean
  /** Keywords of the schema that are not evaluated here. */
  readonly unread: readonly string[]
}

/** The versions that a CustomResourceDefinition serves; empty for any other object. */
export function definitionsIn(object: JsonObject): readonly Definition[] {
  const { spec } = object
  if (object['kind'] !== 'CustomResourceDefinition' || !isObject(spec)) return []
  const names = field(spec, 'names')
  const kind = isObject(names) ? textOr(field(names, 'kind'), '') : ''
  const versions = field(spec, 'versions')
  return (Array.isArray(versions) ? versions : []).flatMap((version: unknown) => {
    if (!isObject(version) || version['served'] !== true) return []
    const { name, schema, subresources } = version
    const source = isObject(schema) ? field(schema, 'openAPIV3Schema') : undefined
    const read = source === undefined ? undefined : readSchema(source)
    return [
      {
        group: textOr(field(spec, 'group'), ''),
        version: textOr(name, ''),
        kind,
        namespaced: field(spec, 'scope') !== 'Cluster',
        schema: read?.schema,
        hasStatus: isObject(subresources) && field(subresources, 'status') !== undefined,
        unread: [...(read?.unread ?? [])],
      },
    ]
  })
}
