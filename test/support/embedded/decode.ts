import type { Call } from './api.ts'
import { prepareBuiltIn } from './builtins.ts'
import { groupVersion } from './kind.ts'
import { decodeObject, nameOf, type KubeObject, type Meta } from './object.ts'
import { prune, withDefaults } from './shape.ts'
import { badRequest, failure, invalid, Refusal } from './status.ts'

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const tidyMeta = (metadata: Meta): Meta =>
  Object.fromEntries(
    Object.entries(metadata).filter(([field, value]) => field !== 'managedFields' && !isEmpty(value)),
  )

/** Prunes and defaults: what happens to an object whenever it comes in, from a client or from a webhook. */
const shape = (
  object: KubeObject,
  { kind }: Call,
): { readonly object: KubeObject; readonly dropped: readonly string[] } => {
  const tidy = { ...object, metadata: tidyMeta(object.metadata) }
  if (kind.schema === undefined) return { object: prepareBuiltIn(tidy, kind), dropped: [] }
  const pruned = prune(kind.schema, tidy)
  const filled = decodeObject(withDefaults(kind.schema, pruned.object))
  return { object: filled ?? tidy, dropped: pruned.dropped }
}

export const reshape = (object: KubeObject, call: Call): KubeObject => shape(object, call).object

const strictError = (object: KubeObject, words: string, { kind, verb }: Call): Error => {
  if (verb !== 'patch') {
    return badRequest(
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${words}`,
    )
  }
  // What a patch leads to is refused without a name.
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${words}`
  const details = { causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }] }
  return new Refusal(failure(422, 'Invalid', ` "" is invalid: patch: ${message}`, details))
}

const reportUnknown = (object: KubeObject, dropped: readonly string[], call: Call): void => {
  if (dropped.length === 0) return
  const unknown = dropped.map((field) => `unknown field "${field}"`)
  const mode = call.query.get('fieldValidation') ?? 'Warn'
  if (mode === 'Strict') throw strictError(object, `strict decoding error: ${unknown.join(', ')}`, call)
  if (mode === 'Warn') unknown.forEach(call.warn)
}

const unrecognized = ({ kind }: Call, why: string): Error =>
  badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why}`)

export const parseBody = (text: string, call: Call): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unrecognized(
      call,
      `couldn't get version/kind; json parse error: ${String(error)} (${text.slice(0, 100)})`,
    )
  }
}

/** The object a client sends, checked against the path it is sent to, pruned and defaulted. */
export const decodeFor = (value: unknown, call: Call): KubeObject => {
  const { kind, namespace, name } = call
  const given = decodeObject(value)
  if (given === undefined) throw unrecognized(call, `Object 'Kind' is missing in '${JSON.stringify(value)}'`)
  if (given.apiVersion !== groupVersion(kind)) {
    const [has, wants] = [given.apiVersion, groupVersion(kind)]
    throw badRequest(
      `the API version in the data (${has}) does not match the expected API version (${wants})`,
    )
  }
  if (given.kind !== kind.kind) {
    const message = `Invalid value: "${given.kind}": must be ${kind.kind}`
    const cause = { reason: 'FieldValueInvalid', field: 'kind', message }
    throw invalid({ ...kind, kind: given.kind }, nameOf(given), [cause])
  }
  if (name !== '' && nameOf(given) !== '' && nameOf(given) !== name) {
    throw badRequest(`the name of the object (${nameOf(given)}) does not match the name on the URL (${name})`)
  }
  const { namespace: own, ...meta } = given.metadata
  if (kind.namespaced && own !== undefined && own !== '' && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  const placed = { ...given, metadata: { ...meta, ...(kind.namespaced ? { namespace } : {}) } }
  const { object, dropped } = shape(placed, call)
  reportUnknown(placed, dropped, call)
  return object
}
