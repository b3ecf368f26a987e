import { current, present, type Api, type Call } from './api.ts'
import { parseBody } from './decode.ts'
import { remove, removeAll } from './deleting.ts'
import { jsonPatch } from './json-patch.ts'
import type { Json } from './json.ts'
import { groupResource } from './kind.ts'
import { mergePatch, strategicMergePatch } from './merge-patch.ts'
import { list, listBody, scopeOf } from './reading.ts'
import {
  badRequest,
  failure,
  notAllowed,
  notFound,
  Refusal,
  unsupportedMediaType,
  type Status,
} from './status.ts'
import { table, type TableOptions } from './table.ts'
import { create, patch, update } from './writing.ts'

export type Incoming = {
  readonly contentType: string
  readonly body: string
  /** Set where the client wants rows of a table instead of objects. */
  readonly asTable?: TableOptions
}

export type Answer = { readonly code: number; readonly body: Json | Status }

export const verbOf = (method: string, name: string, query: URLSearchParams): string => {
  switch (method) {
    case 'GET':
      if (['true', '1'].includes(query.get('watch') ?? '')) return 'watch'
      return name === '' ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete'
    default:
      return method.toLowerCase()
  }
}

type Change = (before: unknown) => unknown

const patches: Readonly<Record<string, (body: unknown) => Change>> = {
  'application/json-patch+json': (body) => (before) => jsonPatch(before, body),
  'application/merge-patch+json': (body) => (before) => mergePatch(before, body),
  'application/strategic-merge-patch+json': (body) => (before) => strategicMergePatch(before, body),
}

const acceptedPatches = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
]

const changeOf = ({ contentType, body }: Incoming, call: Call): Change => {
  const isStrategic = contentType.startsWith('application/strategic')
  const make = isStrategic && call.kind.custom ? undefined : patches[contentType]
  // Server-side apply is not served here: nobody in this project uses it.
  if (make === undefined) throw unsupportedMediaType(acceptedPatches)
  const change = make(parseBody(body, call))
  return (before) => {
    try {
      return change(before)
    } catch {
      const words = 'the server rejected our request due to an error in our request'
      throw new Refusal(failure(422, 'Invalid', words, {}))
    }
  }
}

const jsonBody = ({ contentType, body }: Incoming, call: Call): unknown => {
  // kubectl's imperative commands (`create secret`, `create token`) speak protobuf; `create -f` and `apply` do not.
  if (contentType !== '' && contentType !== 'application/json')
    throw unsupportedMediaType(['application/json'])
  return parseBody(body, call)
}

const deleteOptions = (incoming: Incoming, call: Call): unknown =>
  incoming.body === '' ? {} : jsonBody(incoming, call)

const deleteCollection = async (api: Api, call: Call, incoming: Incoming): Promise<Json> => {
  const objects = api.store.list(groupResource(call.kind)).filter(scopeOf(call))
  await removeAll(api, call, objects, deleteOptions(incoming, call))
  return listBody(call, { metadata: { resourceVersion: String(api.store.version) }, objects })
}

const listAnswer = (api: Api, call: Call, asTable: TableOptions | undefined): Json => {
  const page = list(api, call)
  return asTable === undefined ? listBody(call, page) : table(call.kind, page.objects, page.metadata, asTable)
}

const getAnswer = (api: Api, call: Call, asTable: TableOptions | undefined): Json => {
  const object = present(call.kind, current(api, call))
  const { resourceVersion } = object.metadata
  return asTable === undefined ? object : table(call.kind, [object], { resourceVersion }, asTable)
}

const needsName = (call: Call): void => {
  if (call.name === '') throw badRequest('name must be provided')
}

/** Every verb but watch. */
export const perform = async (api: Api, call: Call, incoming: Incoming): Promise<Answer> => {
  const { asTable } = incoming
  const { kind, name, subresource, verb } = call
  if (kind.answer !== undefined && verb !== 'create') throw notAllowed()
  if (subresource !== '' && !(subresource === 'status' && kind.hasStatus)) throw notFound(kind, name)
  switch (verb) {
    case 'get':
      return { code: 200, body: getAnswer(api, call, asTable) }
    case 'list':
      return { code: 200, body: listAnswer(api, call, asTable) }
    case 'create':
      if (call.name !== '') throw notAllowed()
      return { code: 201, body: await create(api, call, jsonBody(incoming, call)) }
    case 'update':
      needsName(call)
      return { code: 200, body: await update(api, call, jsonBody(incoming, call)) }
    case 'patch':
      needsName(call)
      return { code: 200, body: await patch(api, call, changeOf(incoming, call)) }
    case 'delete':
      return { code: 200, body: await remove(api, call, deleteOptions(incoming, call)) }
    case 'deletecollection':
      return { code: 200, body: await deleteCollection(api, call, incoming) }
    default:
      throw notAllowed()
  }
}
