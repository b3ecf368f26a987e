import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'

/** As what the API server notes our writes: the client's user agent. */
const ourselves = 'kleym-operator'

/** Who set fields of an object, by its `metadata.managedFields`. A field that is gone has nobody any more. */
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
    others: [...new Set(setters.flat())].filter((name) => name !== ourselves).toSorted(),
    areOurs: setters.length > 0 && setters.every((names) => names.includes(ourselves)),
  }
}

/** `spec.admin`, `metadata.labels[a/b]`: what stands in brackets is one key, whatever is in it. */
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
