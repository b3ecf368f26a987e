import { isDeepStrictEqual } from 'node:util'
import { isRecord, listOf, recordOf, textsOf, type Json } from './json.ts'
import type { Cause } from './status.ts'

/*
 * A structural schema's type, required, enum and limits, in the words of the API server
 * (apiextensions-apiserver pkg/apiserver/validation and kube-openapi pkg/validation). CEL rules
 * (x-kubernetes-validations), formats, oneOf, anyOf and list-type uniqueness are NOT evaluated: the webhook says
 * what the CEL rules say, in the same words, and says it first. The real server gives causes in no fixed order.
 */

const typeName = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const allowedTypes = (schema: Json): readonly string[] => {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string']
  return typeof schema['type'] === 'string' ? [schema['type']] : []
}

const cause = (reason: string, field: string, message: string): Cause => ({
  reason: `FieldValue${reason}`,
  message,
  field,
})

const invalidValue = (field: string, value: unknown, detail: string, reason = 'Invalid'): Cause =>
  cause(reason, field, `Invalid value: ${JSON.stringify(value)}: ${field} in body ${detail}`)

const typeCauses = (schema: Json, value: unknown, field: string): readonly Cause[] => {
  const types = allowedTypes(schema)
  const actual = typeName(value)
  const fits =
    types.length === 0 ||
    types.includes(actual) ||
    (actual === 'integer' && types.includes('number')) ||
    (value === null && schema['nullable'] === true)
  return fits
    ? []
    : [invalidValue(field, actual, `must be of type ${types.join(',')}: "${actual}"`, 'TypeInvalid')]
}

const enumCauses = (schema: Json, value: unknown, field: string): readonly Cause[] => {
  const allowed = schema['enum']
  if (!Array.isArray(allowed) || allowed.some((item) => isDeepStrictEqual(item, value))) return []
  const supported = allowed.map((item) => `"${typeof item === 'string' ? item : JSON.stringify(item)}"`)
  const words = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.join(', ')}`
  return [cause('NotSupported', field, words)]
}

const numberCauses = (schema: Json, value: number, field: string): readonly Cause[] => {
  const { minimum, maximum } = schema
  return [
    ...(typeof minimum === 'number' && value < minimum
      ? [invalidValue(field, value, `should be greater than or equal to ${minimum}`)]
      : []),
    ...(typeof maximum === 'number' && value > maximum
      ? [invalidValue(field, value, `should be less than or equal to ${maximum}`)]
      : []),
  ]
}

/** Only the first limit that a text breaks is reported. */
const textCauses = (schema: Json, value: string, field: string): readonly Cause[] => {
  const { minLength, maxLength, pattern } = schema
  const length = Array.from(value).length
  if (typeof maxLength === 'number' && length > maxLength) {
    return [cause('TooLong', field, `Too long: may not be more than ${maxLength} bytes`)]
  }
  if (typeof minLength === 'number' && length < minLength) {
    return [invalidValue(field, value, `should be at least ${minLength} chars long`)]
  }
  if (typeof pattern === 'string' && !new RegExp(pattern).test(value)) {
    return [invalidValue(field, value, `should match '${pattern}'`)]
  }
  return []
}

const listCauses = (schema: Json, value: readonly unknown[], field: string): readonly Cause[] => {
  const { minItems, maxItems, items } = schema
  return [
    ...(typeof minItems === 'number' && value.length < minItems
      ? [invalidValue(field, value.length, `should have at least ${minItems} items`)]
      : []),
    ...(typeof maxItems === 'number' && value.length > maxItems
      ? [cause('TooMany', field, `Too many: ${value.length}: must have at most ${maxItems} items`)]
      : []),
    ...(isRecord(items) ? value.flatMap((item, index) => violations(items, item, `${field}[${index}]`)) : []),
  ]
}

const recordCauses = (schema: Json, value: Json, field: string): readonly Cause[] => {
  const at = (key: string): string => (field === '' ? key : `${field}.${key}`)
  const properties = recordOf(schema['properties'])
  const others = schema['additionalProperties']
  const { maxProperties } = schema
  const size = Object.keys(value).length
  return [
    ...textsOf(schema['required'])
      .filter((key) => value[key] === undefined)
      .map((key) => cause('Required', at(key), 'Required value')),
    ...(typeof maxProperties === 'number' && size > maxProperties
      ? [cause('TooMany', field, `Too many: ${size}: must have at most ${maxProperties} items`)]
      : []),
    ...Object.entries(value).flatMap(([key, item]) => {
      const child = properties[key] ?? others
      return isRecord(child) ? violations(child, item, at(key)) : []
    }),
  ]
}

/** Where a value breaks a schema. */
export const violations = (schema: Json, value: unknown, field = ''): readonly Cause[] => {
  if (value === null && schema['nullable'] === true) return []
  const plain = [...typeCauses(schema, value, field), ...enumCauses(schema, value, field)]
  if (typeof value === 'number') return [...plain, ...numberCauses(schema, value, field)]
  if (typeof value === 'string') return [...plain, ...textCauses(schema, value, field)]
  if (Array.isArray(value)) return [...plain, ...listCauses(schema, listOf(value), field)]
  return isRecord(value) ? [...plain, ...recordCauses(schema, value, field)] : plain
}

/** An update may keep what was wrong before it (validation ratcheting). */
export const newViolations = (schema: Json, before: unknown, after: unknown): readonly Cause[] => {
  const known = new Set(violations(schema, before).map((item) => `${item.field}: ${item.message}`))
  return violations(schema, after).filter((item) => !known.has(`${item.field}: ${item.message}`))
}
