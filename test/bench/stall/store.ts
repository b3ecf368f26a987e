/**
 * What an API server has stored, in a thread of its own: its garbage is not collected with that of the operator, and it answers with
 * bytes, as a connection does.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { isObject, objectOr, type JsonObject } from '../../../src/core/json.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { addReady, emptyInventory } from '../inventory.ts'
import { binding, objective, pool, referencesOf } from '../manifests.ts'
import { range } from '../waiting.ts'
import { layoutOf, sharedPool } from './layout.ts'

export type Question =
  | {
      readonly kind: 'list'
      readonly path: string
      readonly version: number
      readonly from: number
      readonly limit: number
    }
  | { readonly kind: 'get'; readonly path: string }
  /** Stores an object in the place of the one with its path. */
  | { readonly kind: 'keep'; readonly path: string; readonly object: JsonObject }
  /** Gives all objects of a kind versions after this one. */
  | { readonly kind: 'renew'; readonly path: string; readonly version: number }

/** An answer without bytes says that there is nothing of that path, or that the question was only to store something. */
export type Answered = { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> | undefined }

const [size, layoutName]: readonly [number, string] = workerData
const kinds = new Map<string, Map<string, Buffer>>()

const kindAt = (path: string): Map<string, Buffer> => {
  const kind = kinds.get(path) ?? new Map<string, Buffer>()
  kinds.set(path, kind)
  return kind
}

const bytesOf = (object: JsonObject): Buffer => Buffer.from(JSON.stringify(object))

function keep(path: string, object: JsonObject): void {
  const { namespace = '', name } = objectOr(object['metadata'])
  kindAt(path).set(`${String(namespace)}/${String(name)}`, bytesOf(object))
}

/** Adds managedFields, in which the API server notes who set which field. They are a good part of a stored object. */
const managed = (object: JsonObject): JsonObject => ({
  ...object,
  metadata: {
    ...objectOr(object['metadata']),
    managedFields: ['kubectl', 'kleym-operator'].map((manager) => ({
      manager,
      operation: 'Update',
      apiVersion: object['apiVersion'],
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsOf({ spec: object['spec'], status: object['status'] }),
    })),
  },
})

const fieldsOf = (value: unknown): JsonObject => {
  if (Array.isArray(value)) return Object.fromEntries(value.map((one) => [`v:${JSON.stringify(one)}`, {}]))
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [`f:${name}`, fieldsOf(inner)]))
}

/** Ready bindings with what they need. Those that share use one pool, each for a container of its own. */
function fill(): void {
  const { home, isShared } = layoutOf(layoutName, size)
  const inventory = emptyInventory()
  for (const index of range(size)) {
    const namespace = home(index)
    const added = !isShared(index)
      ? addReady(inventory, namespace, index, referencesOf(namespace, 1, index), binding(namespace, index))
      : addReady(
          inventory,
          namespace,
          index,
          [...(index === 0 ? [pool(namespace, sharedPool)] : []), objective(namespace, index, sharedPool)],
          binding(namespace, index, sharedPool, `container-${index}`),
        )
    for (const { resource, object } of added) keep(resourcePath(resource), managed(object))
  }
}

function answer(question: Question): Buffer | undefined {
  const { kind, path } = question
  switch (kind) {
    case 'list': {
      const { version, from, limit } = question
      const all = kindAt(path)
      const page = all.values().drop(from).take(limit).toArray()
      const next = from + limit < all.size ? String(from + limit) : ''
      return Buffer.from(
        `{"metadata":{"resourceVersion":"${version}","continue":"${next}"},"items":[${page.join()}]}`,
      )
    }
    case 'get': {
      const at = path.lastIndexOf('/')
      return kinds.get(path.slice(0, at))?.get(path.slice(at))
    }
    case 'keep':
      keep(path, question.object)
      return undefined
    case 'renew': {
      const all = kindAt(path)
      let { version } = question
      for (const [key, bytes] of all) {
        const object = objectOr(JSON.parse(bytes.toString()))
        const metadata = { ...objectOr(object['metadata']), resourceVersion: String((version += 1)) }
        all.set(key, bytesOf({ ...object, metadata }))
      }
      return undefined
    }
  }
}

fill()
parentPort?.on('message', ({ id, question }: { readonly id: number; readonly question: Question }) => {
  const stored = answer(question)
  const bytes = stored && new Uint8Array(stored)
  const told: Answered = { id, bytes }
  parentPort?.postMessage(told, bytes ? [bytes.buffer] : [])
})
