import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'

/** The field manager that the API server notes for our writes; it takes the name from the client's user agent. */
const ownManager = 'kleym-operator'

/**
 * Names the field managers that set the given fields, by `metadata.managedFields`. A field that was removed has no
 * manager.
 */
export function editorsOf(
  live: JsonObject,
  paths: readonly string[],
): { readonly others: readonly string[]; readonly areOurs: boolean } {
  const entries = field(objectOr(live['metadata']), 'managedFields')
  const managers = (Array.isArray(entries) ? entries.map(objectOr) : [])
    .filter((entry) => textOr(entry['subresource'], '') === '')
    .map((entry) => ({ name: textOr(entry['manager'], ''), fields: objectOr(entry['fieldsV1']) }))
  const settersOf = (path: string): readonly string[] =>
    managers.flatMap(({ name, fields }) => (has(fields, path) ? [name] : []))
  const setters = paths.map(settersOf)
  return {
    others: [...new Set(setters.flat())].filter((name) => name !== ownManager).toSorted(),
    areOurs: setters.length > 0 && setters.every((names) => names.includes(ownManager)),
  }
}

/**
 * Paths look like `spec.admin` or `metadata.labels[a/b]`; the text in brackets is one key, dots and slashes included.
 */
function has(fields: JsonObject, path: string): boolean {
  const [, plain = '', key] = /^([^[]*)(?:\[(.*)\])?$/.exec(path) ?? []
  const keys = [...plain.split('.'), ...(key === undefined ? [] : [key])]
  let inner = fields
  for (const name of keys) {
    const next = field(inner, `f:${name}`)
    if (next === undefined) return false
    inner = objectOr(next)
  }
  return true
}
