import { isObject } from '../core/json.ts'
import { show } from '../core/show.ts'
import type { Cause, CauseReason } from './cause.ts'
import { pathText, type Path } from './path.ts'
import { fieldSchema, type Schema } from './schema.ts'

/**
 * The causes for which a schema refuses an object with its defaults, in the words of the API server (kube-openapi's
 * validation).
 */
export function validate(value: unknown, schema: Schema | undefined, path: Path = []): readonly Cause[] {
  if (!schema) return []
  if (value === null && schema.nullable) return enumProblems(value, schema, path)
  return [
    ...typeProblems(value, schema, path),
    ...stringProblems(value, schema, path),
    ...numberProblems(value, schema, path),
    ...listProblems(value, schema, path),
    ...enumProblems(value, schema, path),
    ...objectProblems(value, schema, path),
  ]
}

/** The type and format as Go's validation names them: a number that fits 64 bits is an integer. */
function typeOf(value: unknown): { readonly type: string; readonly format: string } {
  if (value === null) return { type: 'null', format: '' }
  if (Array.isArray(value)) return { type: 'array', format: '' }
  if (typeof value !== 'number') return { type: typeof value, format: '' }
  return isInt64(value) ? { type: 'integer', format: 'int64' } : { type: 'number', format: 'float64' }
}

const isInt64 = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 63

const inBody = (path: Path): string => `${pathText(path)} in body`

const invalid = (path: Path, value: unknown, detail: string): Cause =>
  causeAt(path, 'FieldValueInvalid', value, `Invalid value: ${show(value)}: ${detail}`)

export const causeAt = (path: Path, reason: CauseReason, value: unknown, message: string): Cause => ({
  reason,
  field: pathText(path),
  path,
  value,
  message,
})

const required = (path: Path): Cause => causeAt(path, 'FieldValueRequired', undefined, 'Required value')

function typeProblems(value: unknown, schema: Schema, path: Path): readonly Cause[] {
  const wanted = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : [schema.type ?? []].flat()
  if (wanted.length === 0) return []
  const { type, format } = typeOf(value)
  const isNumberAnyway = type === 'integer' && wanted.includes('number')
  if (wanted.includes(type) || isNumberAnyway) return []
  // If the schema declares a format, the API server prints it for numbers.
  const tellsFormat = schema.format !== undefined && !['string', 'array', 'null'].includes(type)
  const [must, is] = tellsFormat ? [schema.format, format] : [wanted.join(','), type]
  const detail = `${inBody(path)} must be of type ${must}: ${show(is)}`
  return [causeAt(path, 'FieldValueTypeInvalid', value, `Invalid value: ${show(is)}: ${detail}`)]
}

/** The first problem of a string. A string that is too long is not matched against the pattern. */
function stringProblems(value: unknown, schema: Schema, path: Path): readonly Cause[] {
  if (typeof value !== 'string') return []
  const { maxLength, minLength, pattern } = schema
  const length = Array.from(value).length
  if (maxLength !== undefined && length > maxLength)
    return [causeAt(path, 'FieldValueTooLong', value, `Too long: may not be more than ${maxLength} bytes`)]
  if (minLength !== undefined && length < minLength)
    return [invalid(path, value, `${inBody(path)} should be at least ${minLength} chars long`)]
  if (pattern !== undefined && !matches(value, pattern))
    return [invalid(path, value, `${inBody(path)} should match '${pattern}'`)]
  return []
}

/** Whether a string matches. A pattern that JavaScript does not understand refuses nothing here. */
function matches(value: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return true
  }
}

function numberProblems(value: unknown, schema: Schema, path: Path): readonly Cause[] {
  if (typeof value !== 'number') return []
  const { minimum, maximum } = schema
  return [
    ...rangeProblems(value, schema, path),
    ...(maximum !== undefined && value > maximum
      ? [invalid(path, value, `${inBody(path)} should be less than or equal to ${maximum}`)]
      : []),
    ...(minimum !== undefined && value < minimum
      ? [invalid(path, value, `${inBody(path)} should be greater than or equal to ${minimum}`)]
      : []),
  ]
}

function rangeProblems(value: number, { type, format }: Schema, path: Path): readonly Cause[] {
  if (type !== 'integer') return []
  const isInt32 = Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31
  if (format === 'int32' ? isInt32 : isInt64(value)) return []
  const kind = format === undefined ? '(default format)' : `with format ${format}`
  const message = `Checked value must be of type integer ${kind} in ${pathText(path)}`
  return [causeAt(path, 'FieldValueInvalid', value, message)]
}

function listProblems(value: unknown, schema: Schema, path: Path): readonly Cause[] {
  if (!Array.isArray(value)) return []
  const { items, minItems, maxItems } = schema
  return [
    ...value.flatMap((item: unknown, at) => validate(item, items, [...path, at])),
    ...(minItems !== undefined && value.length < minItems
      ? [invalid(path, value.length, `${inBody(path)} should have at least ${minItems} items`)]
      : []),
    ...tooMany(value.length, maxItems, path),
    ...duplicates(value, schema, path),
  ]
}

const tooMany = (size: number, most: number | undefined, path: Path): readonly Cause[] =>
  most === undefined || size <= most
    ? []
    : [
        causeAt(
          path,
          'FieldValueTooMany',
          size,
          `Too many: ${size}: must have at most ${most} item${most === 1 ? '' : 's'}`,
        ),
      ]

/** Duplicate items of a list that is declared as a set or as a map. */
function duplicates(value: readonly unknown[], schema: Schema, path: Path): readonly Cause[] {
  const kind = schema['x-kubernetes-list-type']
  if (kind !== 'set' && kind !== 'map') return []
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const identity = (item: unknown): string =>
    JSON.stringify(
      kind === 'map' && isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item,
    )
  const seen = value.map(identity)
  return seen.flatMap((one, at) =>
    seen.indexOf(one) === at
      ? []
      : [causeAt([...path, at], 'FieldValueDuplicate', value[at], `Duplicate value: ${one}`)],
  )
}

function enumProblems(value: unknown, schema: Schema, path: Path): readonly Cause[] {
  const { enum: allowed } = schema
  if (!allowed || allowed.includes(value)) return []
  const texts = allowed.map((one) => show(typeof one === 'string' ? one : JSON.stringify(one)))
  const shown = typeof value === 'object' ? JSON.stringify(value) : show(value)
  return [
    causeAt(
      path,
      'FieldValueNotSupported',
      value,
      `Unsupported value: ${shown}: supported values: ${texts.join(', ')}`,
    ),
  ]
}

function objectProblems(value: unknown, schema: Schema, path: Path): readonly Cause[] {
  if (!isObject(value)) return []
  const { minProperties, maxProperties, required: wanted = [] } = schema
  const size = Object.keys(value).length
  return [
    ...(minProperties !== undefined && size < minProperties
      ? [invalid(path, size, `${inBody(path)} should have at least ${minProperties} properties`)]
      : []),
    ...tooMany(size, maxProperties, path),
    ...Object.entries(value).flatMap(([name, inner]) =>
      validate(inner, fieldSchema(schema, name), [...path, name]),
    ),
    ...wanted.flatMap((name) => (Object.hasOwn(value, name) ? [] : [required([...path, name])])),
  ]
}
