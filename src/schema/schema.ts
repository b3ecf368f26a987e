import { isObject, type JsonObject } from '../core/json.ts'

/**
 * A structural schema with those keywords of a CustomResourceDefinition's `openAPIV3Schema` that decide whether the
 * API server accepts an object. Descriptions and keywords for patches are left out.
 */
export type Schema = {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly format?: string
  readonly nullable?: boolean
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: { readonly [field: string]: Schema }
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-validations'?: readonly Rule[]
}

/** A CEL rule with the message for objects that break it. */
export type Rule = { readonly rule: string; readonly message?: string }

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

const plain = words(
  `type format nullable default enum required pattern minLength maxLength minimum maximum minItems maxItems
  minProperties maxProperties x-kubernetes-preserve-unknown-fields x-kubernetes-int-or-string
  x-kubernetes-embedded-resource x-kubernetes-list-type x-kubernetes-list-map-keys`,
)

/** Keywords that refuse nothing. */
const idle = words('description title example externalDocs x-kubernetes-map-type')

/** A schema, and its keywords that are not evaluated. An object that only those would refuse is accepted. */
export type ReadSchema = { readonly schema: Schema; readonly unread: ReadonlySet<string> }

/** Reads an `openAPIV3Schema` that is valid for an API server. */
export function readSchema(source: unknown): ReadSchema {
  const unread = new Set<string>()
  return { schema: schemaOf(source, unread), unread }
}

function schemaOf(source: unknown, unread: Set<string>): Schema {
  if (!isObject(source)) return {}
  return Object.fromEntries(
    Object.entries(source).flatMap(([keyword, value]): readonly (readonly [string, unknown])[] => {
      if (keyword === 'items') return [[keyword, schemaOf(value, unread)]]
      if (keyword === 'properties') return [[keyword, propertiesOf(value, unread)]]
      if (keyword === 'additionalProperties')
        return [[keyword, isObject(value) ? schemaOf(value, unread) : value]]
      if (keyword === 'x-kubernetes-validations') return [[keyword, rulesOf(value)]]
      if (plain.has(keyword)) return [[keyword, value]]
      if (!idle.has(keyword)) unread.add(keyword)
      return []
    }),
  )
}

const propertiesOf = (source: unknown, unread: Set<string>): JsonObject =>
  isObject(source)
    ? Object.fromEntries(Object.entries(source).map(([name, inner]) => [name, schemaOf(inner, unread)]))
    : {}

const rulesOf = (source: unknown): readonly Rule[] =>
  (Array.isArray(source) ? source : []).flatMap((one: unknown) => {
    if (!isObject(one) || typeof one['rule'] !== 'string') return []
    const { rule, message } = one
    return [{ rule, ...(typeof message === 'string' && { message }) }]
  })

/** The schema of a field of an object, if it has one. Own fields only: `constructor` is a name like others. */
export function fieldSchema(schema: Schema, name: string): Schema | undefined {
  const { properties = {}, additionalProperties } = schema
  if (Object.hasOwn(properties, name)) return properties[name]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

/** Asks whether something holds for a schema or for what is inside of it, and works that out once for each schema. */
export function anywhereIn(holds: (schema: Schema) => boolean): (schema: Schema) => boolean {
  const known = new WeakMap<Schema, boolean>()
  return function isAnywhere(schema): boolean {
    const before = known.get(schema)
    if (before !== undefined) return before
    const { properties = {}, additionalProperties, items } = schema
    const inner = [...Object.values(properties), items, additionalProperties]
    const answer = holds(schema) || inner.some((one) => typeof one === 'object' && isAnywhere(one))
    known.set(schema, answer)
    return answer
  }
}
