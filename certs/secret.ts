import { field, objectOr, textOr, type JsonObject } from '../src/core/json.ts'
import type { Objects, Reply } from '../src/core/objects.ts'
import { secretResource } from '../src/core/resources.ts'
import type { SecretData } from './rotation.ts'
import type { SecretAccess } from './store.ts'

/**
 * The Secret over the API server. A write carries the resourceVersion that was read, so that a version which this replica has
 * not read is never overwritten.
 *
 * @throws Error from each function where the API server gives no answer or refuses, and from `create` where there is no namespace
 */
export function secretAccess(
  objects: Pick<Objects, 'get' | 'create' | 'replace'>,
  at: { readonly namespace: string; readonly name: string },
): SecretAccess {
  const { namespace, name } = at
  const written = (reply: Reply): 'written' | 'conflict' => {
    if (reply.kind === 'done') return 'written'
    if (reply.kind === 'conflict' || reply.kind === 'absent') return 'conflict'
    throw new Error(`writing Secret ${namespace}/${name}: ${wordsOf(reply)}`)
  }
  // Other keys of the Secret and its type are written back as read: the API server refuses a change of the type.
  let seen: JsonObject = {}
  return {
    read: async () => {
      const reply = await objects.get(secretResource, at)
      if (reply.kind === 'absent') return undefined
      if (reply.kind !== 'done') throw new Error(`reading Secret ${namespace}/${name}: ${wordsOf(reply)}`)
      seen = reply.object
      return {
        data: decoded(objectOr(field(seen, 'data'))),
        resourceVersion: textOr(objectOr(seen['metadata'])['resourceVersion'], ''),
      }
    },
    create: async (data) => {
      const reply = await objects.create(secretResource, {
        apiVersion: 'v1',
        kind: 'Secret',
        type: data['tls.crt'] === undefined ? 'Opaque' : 'kubernetes.io/tls',
        metadata: { ...at, labels },
        data: encoded(data),
      })
      // A 404 on a create is about the namespace.
      if (reply.kind === 'absent')
        throw new Error(
          `there is no namespace ${namespace} for the Secret ${name}; create it, or name another with --namespace`,
        )
      return written(reply)
    },
    replace: async (data, resourceVersion) => {
      const metadata = { ...objectOr(seen['metadata']), ...at, resourceVersion }
      return written(await objects.replace(secretResource, { ...seen, metadata, data: encoded(data) }))
    },
  }
}

const labels = { 'app.kubernetes.io/name': 'kleym', 'app.kubernetes.io/component': 'operator' }

const decoded = (data: JsonObject): SecretData =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(textOr(value, ''), 'base64').toString()]),
  )

const encoded = (data: SecretData): JsonObject =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))

/** Why a request failed, in the API server's words where it gave some. */
export const wordsOf = (reply: Exclude<Reply, { kind: 'done' }>): string =>
  reply.kind === 'absent' ? 'not found' : reply.kind === 'failed' ? reply.cause : reply.message
