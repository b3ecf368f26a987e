import { isObject, type JsonObject } from '../core/json.ts'
import { nearest } from '../core/nearest.ts'
import { show } from '../core/show.ts'
import type { SchemaCause } from './cause.ts'
import type { Definition } from './definition.ts'
import { pathText, type Path } from './path.ts'
import { unknownFields } from './unknown-fields.ts'
import { causeAt } from './validate.ts'

/** The Go types in metav1.ObjectMeta that a JSON value may fail to fit. */
type GoType =
  | { readonly kind: 'string' | 'int64' | 'bool' | 'time'; readonly name: string }
  | { readonly kind: 'map' | 'list'; readonly name: string; readonly of: GoType }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: { readonly [field: string]: GoType } }
  | { readonly kind: 'any' }

const string: GoType = { kind: 'string', name: 'string' }
const time: GoType = { kind: 'time', name: 'v1.Time' }
const int64: GoType = { kind: 'int64', name: 'int64' }
const strings: GoType = { kind: 'map', name: 'map[string]string', of: string }

const objectMeta: GoType = {
  kind: 'struct',
  name: 'ObjectMeta',
  fields: {
    name: string,
    generateName: string,
    namespace: string,
    selfLink: string,
    uid: { kind: 'string', name: 'types.UID' },
    resourceVersion: string,
    generation: int64,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: int64,
    labels: strings,
    annotations: strings,
    ownerReferences: {
      kind: 'list',
      name: '[]v1.OwnerReference',
      of: {
        kind: 'struct',
        name: 'OwnerReference',
        fields: {
          apiVersion: string,
          kind: string,
          name: string,
          uid: { kind: 'string', name: 'types.UID' },
          controller: { kind: 'bool', name: 'bool' },
          blockOwnerDeletion: { kind: 'bool', name: 'bool' },
        },
      },
    },
    finalizers: { kind: 'list', name: '[]string', of: string },
    managedFields: { kind: 'any' },
  },
}

/**
 * The causes for which the API server, with strict field validation, can't decode an object. It then answers 400 and
 * validates nothing else.
 */
export const undecodable = (object: JsonObject, { schema }: Definition): readonly SchemaCause[] => [
  ...misfits(object['metadata'], objectMeta, ['metadata'], 'ObjectMeta'),
  ...(schema ? unknownFields(object, schema) : []).map(({ path, name, known }) => unknown(path, name, known)),
]

function unknown(path: Path, name: string, known: readonly string[]): SchemaCause {
  const near = nearest(name, known)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return causeAt(path, 'UnknownField', undefined, `unknown field ${show(pathText(path))}${hint}`)
}

/** @param owner the struct and its field, as Go names them in its error */
function misfits(value: unknown, type: GoType, path: Path, owner: string): readonly SchemaCause[] {
  if (value === null || value === undefined) return []
  switch (type.kind) {
    case 'any':
      return []
    case 'string':
      return typeof value === 'string' ? [] : [misfit(value, type.name, path, owner)]
    case 'int64':
      return Number.isSafeInteger(value) ? [] : [misfit(value, type.name, path, owner)]
    case 'bool':
      return typeof value === 'boolean' ? [] : [misfit(value, type.name, path, owner)]
    case 'time':
      return typeof value === 'string' && isTime(value) ? [] : [notATime(value, path, owner)]
    case 'map':
      return isObject(value)
        ? Object.entries(value).flatMap(([key, inner]) => misfits(inner, type.of, [...path, key], owner))
        : [misfit(value, type.name, path, owner)]
    case 'list':
      return Array.isArray(value)
        ? value.flatMap((item: unknown, at) => misfits(item, type.of, [...path, at], owner))
        : [misfit(value, type.name, path, owner)]
    case 'struct':
      if (!isObject(value)) return [misfit(value, `v1.${type.name}`, path, owner)]
      return Object.entries(value).flatMap(([name, inner]) => {
        const known = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
        return known
          ? misfits(inner, known, [...path, name], `${type.name}.${name}`)
          : [unknown([...path, name], name, Object.keys(type.fields))]
      })
  }
}

const isTime = (text: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) &&
  !Number.isNaN(Date.parse(text))

const notATime = (value: unknown, path: Path, owner: string): SchemaCause =>
  typeof value === 'string'
    ? causeAt(path, 'Undecodable', value, `parsing time ${show(value)}: it is no time of RFC 3339`)
    : misfit(value, 'string', path, owner)

function misfit(value: unknown, wanted: string, path: Path, owner: string): SchemaCause {
  const is = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const where = path.length === 1 ? 'Go value' : `Go struct field ${owner}`
  // Unquoted, YAML reads 7 as a number and yes as a boolean, so the fix is to quote them.
  const hint =
    wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')
      ? `; quote it: "${String(value)}"`
      : ''
  return causeAt(
    path,
    'Undecodable',
    value,
    `json: cannot unmarshal ${is} into ${where} of type ${wanted}${hint}`,
  )
}
