import { field, objectOr, textOr, type JsonObject } from '../src/core/json.ts'
import type { Objects, Reply } from '../src/core/objects.ts'
import type { Resource } from '../src/core/resources.ts'
import type { SecretData } from './rotation.ts'
import type { SecretAccess } from './store.ts'

export const secretResource: Resource = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
}

/** The Secret over the API server: one that this replica has not seen is never overwritten. */
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
  // What else it holds, and of what type it is, stays: the API server lets nobody change a Secret's type.
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
      // That a thing is not found which is to be created is said of its namespace.
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

/** What went wrong with a request, in the words of who said so. */
export const wordsOf = (reply: Exclude<Reply, { kind: 'done' }>): string =>
  reply.kind === 'absent' ? 'not found' : reply.kind === 'failed' ? reply.cause : reply.message
