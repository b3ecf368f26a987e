import { randomUUID } from 'node:crypto'
import { present, type Api, type Call } from './api.ts'
import { without, type Json } from './json.ts'
import { groupResource, groupVersion } from './kind.ts'
import { namespaceOf, type KubeObject } from './object.ts'
import { fieldSelector, labelSelector, type Selector } from './selectors.ts'
import { expired, Refusal } from './status.ts'

/** The rest of a list that is being read in pages: every page shows the objects of one moment. */
type Rest = { readonly version: number; readonly objects: readonly KubeObject[] }

export type Snapshots = Map<string, Rest>

export type Page = { readonly metadata: Json; readonly objects: readonly KubeObject[] }

/** What a list, a watch or a delete of many is about: namespace, labels and fields. */
export const scopeOf = ({ namespace, name, query }: Call): Selector => {
  const byLabel = labelSelector(query.get('labelSelector') ?? '')
  const byField = fieldSelector(query.get('fieldSelector') ?? '')
  return (object) =>
    (namespace === '' || namespaceOf(object) === namespace) &&
    (name === '' || object.metadata.name === name) &&
    byLabel(object) &&
    byField(object)
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'

const begin = (api: Api, call: Call): Rest => ({
  version: api.store.version,
  objects: api.store.list(groupResource(call.kind)).filter(scopeOf(call)),
})

export const list = (api: Api, call: Call): Page => {
  const { query, kind } = call
  const token = query.get('continue') ?? ''
  const rest = token === '' ? begin(api, call) : api.snapshots.get(token)
  if (rest === undefined) throw new Refusal(expired(tooOld))
  const limit = Number(query.get('limit') ?? 0) || rest.objects.length
  const objects = rest.objects.slice(0, limit).map((object) => present(kind, object))
  const left = rest.objects.slice(limit)
  if (left.length === 0) return { metadata: { resourceVersion: String(rest.version) }, objects }
  const next = randomUUID()
  api.snapshots.set(next, { version: rest.version, objects: left })
  const isSelective = query.has('labelSelector') || query.has('fieldSelector')
  const count = isSelective ? {} : { remainingItemCount: left.length }
  return { metadata: { resourceVersion: String(rest.version), continue: next, ...count }, objects }
}

/** A list as it is sent: items of built-in kinds do not say what they are, custom ones do. */
export const listBody = ({ kind }: Call, { metadata, objects }: Page): Json => ({
  kind: kind.listKind,
  apiVersion: groupVersion(kind),
  // The real server writes an empty continue token into lists of custom resources only.
  metadata: kind.custom ? { continue: '', ...metadata } : metadata,
  items: kind.custom ? objects : objects.map((item) => without(item, 'kind', 'apiVersion')),
})
