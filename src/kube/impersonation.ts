import { field, objectOr, textOr, type JsonObject } from '../core/json.ts'

/** Header fields of every request; a list is as many fields of one name. */
export type Headers = Readonly<Record<string, string | string[]>>

/**
 * The headers for `as`, `as-uid`, `as-groups` and `as-user-extra` of a kubeconfig's user. The client library knows `as` alone;
 * without the groups the same kubeconfig would mean another person here than with kubectl.
 *
 * @throws Error where a uid, groups or extras are named without `as`
 */
export function impersonationOf(user: JsonObject): Headers {
  const as = textOr(field(user, 'as'), '')
  const uid = textOr(field(user, 'as-uid'), '')
  const groups = textsIn(field(user, 'as-groups'))
  const extra = Object.entries(objectOr(field(user, 'as-user-extra')))
  if (as === '' && (uid !== '' || groups.length > 0 || extra.length > 0))
    throw new Error('as-uid, as-groups or as-user-extra without as: it is not said who is meant')
  return {
    ...(as !== '' && { 'Impersonate-User': as }),
    ...(uid !== '' && { 'Impersonate-Uid': uid }),
    ...(groups.length > 0 && { 'Impersonate-Group': groups }),
    ...Object.fromEntries(
      extra.map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key)}`, textsIn(values)]),
    ),
  }
}

const textsIn = (values: unknown): string[] =>
  Array.isArray(values) ? values.filter((value) => typeof value === 'string') : []
