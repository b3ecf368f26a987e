import { field, isObject, textOr, type JsonObject } from '../core/json.ts'
import { show } from '../core/show.ts'
import type { SchemaCause } from './cause.ts'
import { labelProblems, labelValueProblems, qualifiedNameProblems, subdomainProblems } from './grammar.ts'
import type { Path } from './path.ts'
import { causeAt } from './validate.ts'

/** The API server's limit for the keys and values of all annotations together. */
const mostAnnotationBytes = 256 * 1024

/** The causes for which the API server refuses the metadata of an object that is created in a namespace. */
export function metadataProblems(metadata: JsonObject): readonly SchemaCause[] {
  const text = (name: string): string => textOr(field(metadata, name), '')
  return [
    ...each(['metadata', 'generateName'], text('generateName'), prefixProblems),
    ...nameProblems(text('name'), text('generateName')),
    ...each(['metadata', 'namespace'], text('namespace'), labelProblems),
    ...labelsProblems(mapIn(metadata, 'labels')),
    ...annotationsProblems(mapIn(metadata, 'annotations')),
    ...ownerProblems(field(metadata, 'ownerReferences')),
    ...listIn(metadata, 'finalizers').flatMap((one) =>
      each(['metadata', 'finalizers'], textOr(one, ''), qualifiedNameProblems),
    ),
  ]
}

const each = (
  path: Path,
  value: string,
  problemsOf: (text: string) => readonly string[],
): readonly SchemaCause[] => (value === '' ? [] : invalid(path, value, problemsOf(value)))

const invalid = (path: Path, value: string, problems: readonly string[]): readonly SchemaCause[] =>
  problems.map((problem) =>
    causeAt(path, 'FieldValueInvalid', value, `Invalid value: ${show(value)}: ${problem}`),
  )

/** Problems of a `generateName`, which may end with a dash because characters follow. */
const prefixProblems = (prefix: string): readonly string[] =>
  subdomainProblems(prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix)

function nameProblems(name: string, generateName: string): readonly SchemaCause[] {
  const path = ['metadata', 'name']
  if (name !== '') return invalid(path, name, subdomainProblems(name))
  return generateName === ''
    ? [causeAt(path, 'FieldValueRequired', undefined, 'Required value: name or generateName is required')]
    : []
}

const labelsProblems = (labels: JsonObject): readonly SchemaCause[] =>
  Object.entries(labels).flatMap(([key, value]) => [
    ...atKey('labels', key, invalid(['metadata', 'labels', key], key, qualifiedNameProblems(key))),
    ...atKey(
      'labels',
      key,
      invalid(['metadata', 'labels', key], textOr(value, ''), labelValueProblems(textOr(value, ''))),
    ),
  ])

/** Causes about one key of a map. The API server prints only the map; the path leads to the key. */
const atKey = (map: string, key: string, causes: readonly SchemaCause[]): readonly SchemaCause[] =>
  causes.map((cause) => ({ ...cause, field: `metadata.${map}`, path: ['metadata', map, key] }))

function annotationsProblems(annotations: JsonObject): readonly SchemaCause[] {
  const entries = Object.entries(annotations)
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key + textOr(value, '')), 0)
  const path = ['metadata', 'annotations']
  return [
    ...entries.flatMap(([key]) =>
      atKey('annotations', key, invalid(path, key, qualifiedNameProblems(key.toLowerCase()))),
    ),
    ...(size > mostAnnotationBytes
      ? [
          causeAt(
            path,
            'FieldValueTooLong',
            size,
            `Too long: may not be more than ${mostAnnotationBytes} bytes`,
          ),
        ]
      : []),
  ]
}

const ownerProblems = (owners: unknown): readonly SchemaCause[] =>
  (Array.isArray(owners) ? owners : []).flatMap((owner: unknown, at) =>
    ['apiVersion', 'kind', 'name', 'uid'].flatMap((name) => {
      const path = ['metadata', 'ownerReferences', at, name]
      return isObject(owner) && textOr(field(owner, name), '') !== ''
        ? []
        : [causeAt(path, 'FieldValueRequired', undefined, 'Required value: must not be empty')]
    }),
  )

const mapIn = (metadata: JsonObject, name: string): JsonObject => {
  const value = field(metadata, name)
  return isObject(value) ? value : {}
}

const listIn = (metadata: JsonObject, name: string): readonly unknown[] => {
  const value = field(metadata, name)
  return Array.isArray(value) ? value : []
}
