import { isObject, type JsonObject } from '../core/json.ts'
import { show } from '../core/show.ts'
import type { SchemaCause, CauseReason } from './cause.ts'
import { pathText, type Path } from './path.ts'
import { fieldSchema, type Schema } from './schema.ts'

/** Where a walk through an object is, and what it has found. Nearly all objects are fine, so it makes no lists for them. */
type Walk = { readonly path: (string | number)[]; readonly causes: SchemaCause[] }

/**
 * The causes for which a schema refuses an object with its defaults, in the words of the API server (kube-openapi's
 * validation).
 */
export function validate(value: unknown, schema: Schema | undefined): readonly SchemaCause[] {
  const walk: Walk = { path: [], causes: [] }
  judge(value, schema, walk)
  return walk.causes
}

function judge(value: unknown, schema: Schema | undefined, walk: Walk): void {
  if (!schema) return
  if (value === null && schema.nullable) return judgeEnum(value, schema, walk)
  judgeType(value, schema, walk)
  if (typeof value === 'string') judgeString(value, schema, walk)
  if (typeof value === 'number') judgeNumber(value, schema, walk)
  if (Array.isArray(value)) judgeList(value, schema, walk)
  judgeEnum(value, schema, walk)
  if (isObject(value)) judgeObject(value, schema, walk)
}

function judgeInner(value: unknown, schema: Schema | undefined, step: string | number, walk: Walk): void {
  if (!schema) return
  walk.path.push(step)
  judge(value, schema, walk)
  walk.path.pop()
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

export const causeAt = (path: Path, reason: CauseReason, value: unknown, message: string): SchemaCause => ({
  reason,
  field: pathText(path),
  path,
  value,
  message,
})

function report({ path, causes }: Walk, reason: CauseReason, value: unknown, message: string): void {
  causes.push(causeAt([...path], reason, value, message))
}

const invalid = (walk: Walk, value: unknown, detail: string): void =>
  report(walk, 'FieldValueInvalid', value, `Invalid value: ${show(value)}: ${inBody(walk.path)} ${detail}`)

function judgeType(value: unknown, schema: Schema, walk: Walk): void {
  const { type: one, format: declared } = schema
  const isEither = schema['x-kubernetes-int-or-string'] === true
  if (one === undefined && !isEither) return
  const { type, format } = typeOf(value)
  const fits = (wanted: string): boolean => wanted === type || (wanted === 'number' && type === 'integer')
  if (isEither ? type === 'integer' || type === 'string' : one !== undefined && fits(one)) return
  const wanted = isEither ? 'integer,string' : one
  // If the schema declares a format, the API server prints it for numbers.
  const tellsFormat = declared !== undefined && !['string', 'array', 'null'].includes(type)
  const [must, is] = tellsFormat ? [declared, format] : [wanted, type]
  const detail = `${inBody(walk.path)} must be of type ${must}: ${show(is)}`
  report(walk, 'FieldValueTypeInvalid', value, `Invalid value: ${show(is)}: ${detail}`)
}

/** The first problem of a string. A string that is too long is not matched against the pattern. */
function judgeString(value: string, { maxLength, minLength, pattern }: Schema, walk: Walk): void {
  if (maxLength !== undefined && isLonger(value, maxLength))
    return report(walk, 'FieldValueTooLong', value, `Too long: may not be more than ${maxLength} bytes`)
  if (minLength !== undefined && minLength > 0 && !isLonger(value, minLength - 1))
    return invalid(walk, value, `should be at least ${minLength} chars long`)
  if (pattern !== undefined && !matches(value, pattern))
    return invalid(walk, value, `should match '${pattern}'`)
}

/** Whether a string has more code points than `most`. Each takes one or two of the units that `length` counts. */
const isLonger = (value: string, most: number): boolean =>
  value.length > most && (value.length > 2 * most || Array.from(value).length > most)

const patterns = new Map<string, RegExp | undefined>()

/** Whether a string matches. A pattern that JavaScript does not understand refuses nothing here. */
function matches(value: string, pattern: string): boolean {
  if (!patterns.has(pattern)) patterns.set(pattern, compiled(pattern))
  return patterns.get(pattern)?.test(value) ?? true
}

function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return undefined
  }
}

function judgeNumber(value: number, schema: Schema, walk: Walk): void {
  const { minimum, maximum } = schema
  judgeRange(value, schema, walk)
  if (maximum !== undefined && value > maximum)
    invalid(walk, value, `should be less than or equal to ${maximum}`)
  if (minimum !== undefined && value < minimum)
    invalid(walk, value, `should be greater than or equal to ${minimum}`)
}

function judgeRange(value: number, { type, format }: Schema, walk: Walk): void {
  if (type !== 'integer') return
  const isInt32 = Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31
  if (format === 'int32' ? isInt32 : isInt64(value)) return
  const kind = format === undefined ? '(default format)' : `with format ${format}`
  const message = `Checked value must be of type integer ${kind} in ${pathText(walk.path)}`
  report(walk, 'FieldValueInvalid', value, message)
}

function judgeList(value: readonly unknown[], schema: Schema, walk: Walk): void {
  const { items, minItems, maxItems } = schema
  for (const [at, item] of value.entries()) judgeInner(item, items, at, walk)
  if (minItems !== undefined && value.length < minItems)
    invalid(walk, value.length, `should have at least ${minItems} items`)
  judgeSize(value.length, maxItems, walk)
  judgeDuplicates(value, schema, walk)
}

function judgeSize(size: number, most: number | undefined, walk: Walk): void {
  if (most === undefined || size <= most) return
  const message = `Too many: ${size}: must have at most ${most} item${most === 1 ? '' : 's'}`
  report(walk, 'FieldValueTooMany', size, message)
}

/** Duplicate items of a list that is declared as a set or as a map. */
function judgeDuplicates(value: readonly unknown[], schema: Schema, { path, causes }: Walk): void {
  const kind = schema['x-kubernetes-list-type']
  if (kind !== 'set' && kind !== 'map') return
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const identity = (item: unknown): string =>
    JSON.stringify(
      kind === 'map' && isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item,
    )
  const seen = new Set<string>()
  for (const [at, item] of value.entries()) {
    const one = identity(item)
    if (seen.has(one))
      causes.push(causeAt([...path, at], 'FieldValueDuplicate', item, `Duplicate value: ${one}`))
    seen.add(one)
  }
}

function judgeEnum(value: unknown, { enum: allowed }: Schema, walk: Walk): void {
  if (!allowed || allowed.includes(value)) return
  const texts = allowed.map((one) => show(typeof one === 'string' ? one : JSON.stringify(one)))
  const shown = typeof value === 'object' ? JSON.stringify(value) : show(value)
  const message = `Unsupported value: ${shown}: supported values: ${texts.join(', ')}`
  report(walk, 'FieldValueNotSupported', value, message)
}

function judgeObject(value: JsonObject, schema: Schema, walk: Walk): void {
  const { minProperties, maxProperties, required = [] } = schema
  const names = Object.keys(value)
  if (minProperties !== undefined && names.length < minProperties)
    invalid(walk, names.length, `should have at least ${minProperties} properties`)
  judgeSize(names.length, maxProperties, walk)
  for (const name of names) judgeInner(value[name], fieldSchema(schema, name), name, walk)
  for (const name of required)
    if (!Object.hasOwn(value, name))
      walk.causes.push(causeAt([...walk.path, name], 'FieldValueRequired', undefined, 'Required value'))
}
