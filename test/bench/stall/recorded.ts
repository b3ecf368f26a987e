/**
 * An API server as one process can have it beside the operator's parts: lists of what is stored, and watches that are told what to
 * say. It stores bytes outside of the heap, which V8 would otherwise have to collect with that of the operator, and answers after a
 * turn of the event loop, as with a socket.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isObject, objectOr, type JsonObject } from '../../../src/core/json.ts'
import type { Objects, Reply } from '../../../src/core/objects.ts'
import { crdName, type Resource } from '../../../src/core/resources.ts'
import { resourcePath, type Client } from '../../../src/kube/client.ts'

export type Recorded = {
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly objects: Objects
  /** Has a watch say that an object is another. */
  readonly change: (resource: Resource, object: JsonObject) => void
  /** Has the watch of a kind say that its version has expired, so that the kind is listed again. */
  readonly expire: (resource: Resource) => void
  /** How many calls there have been. */
  readonly calls: () => number
  /** Gives all objects of a kind newer versions. Watches do not tell of that. */
  readonly renew: (resource: Resource) => void
}

type Kind = { readonly stored: Map<string, Buffer>; readonly told: string[]; wake: () => void }

/** Adds managedFields, in which the API server notes who set which field. They are a good part of a stored object. */
export const managed = (object: JsonObject): JsonObject => ({
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

const bytesOf = (object: JsonObject): Buffer => Buffer.from(JSON.stringify(object))

const objectIn = (bytes: Buffer): JsonObject => objectOr(JSON.parse(bytes.toString()))

/** Each generation has another schema. */
export const definitionOf = (resource: Resource, served: boolean, generation: number): JsonObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: crdName(resource),
    uid: `crd-${crdName(resource)}`,
    generation,
    resourceVersion: String(generation),
  },
  spec: {
    versions: [
      {
        name: resource.version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', maxProperties: generation } },
      },
    ],
  },
  status: { conditions: [{ type: 'Established', status: served ? 'True' : 'False' }] },
})

async function answer(make: () => Reply): Promise<Reply> {
  await nextTurn()
  return make()
}

const absent = (): Promise<Reply> => answer(() => ({ kind: 'absent' }))

/** @param stored what there is at first */
export function recordedServer(
  stored: Iterable<{ readonly resource: Resource; readonly object: JsonObject }>,
): Recorded {
  const kinds = new Map<string, Kind>()
  let version = 1_000_000
  let calls = 0
  const kindAt = (path: string): Kind => {
    const kind = kinds.get(path) ?? { stored: new Map(), told: [], wake: () => {} }
    kinds.set(path, kind)
    return kind
  }
  const kindOf = (resource: Resource): Kind => kindAt(resourcePath(resource))
  const keep = (resource: Resource, object: JsonObject): void => {
    const { namespace = '', name } = objectOr(object['metadata'])
    kindOf(resource).stored.set(`${String(namespace)}/${String(name)}`, bytesOf(object))
  }
  const newer = (object: JsonObject): JsonObject => ({
    ...object,
    metadata: { ...objectOr(object['metadata']), resourceVersion: String((version += 1)) },
  })
  const say = (kind: Kind, type: string, object: JsonObject): void => {
    kind.told.push(JSON.stringify({ type, object }))
    kind.wake()
  }
  for (const { resource, object } of stored) keep(resource, managed(object))

  async function* events(kind: Kind, signal: AbortSignal): AsyncGenerator {
    while (!signal.aborted) {
      const line = kind.told.shift()
      if (line !== undefined) yield JSON.parse(line)
      else
        await new Promise<void>((resolve) => {
          kind.wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
    }
  }

  const done = (object: JsonObject): Promise<Reply> => answer(() => ({ kind: 'done', object: newer(object) }))
  return {
    client: {
      call: async ({ path, query = {} }) => {
        calls += 1
        await nextTurn()
        const at = path.lastIndexOf('/')
        const one = kinds.get(path.slice(0, at))?.stored.get(path.slice(at))
        if (one !== undefined) return { kind: 'ok', code: 200, body: objectIn(one), warnings: [] }
        const { stored: all } = kindAt(path)
        const [from, limit] = [Number(query['continue'] ?? 0), Number(query['limit'])]
        const page = [...all.values()].slice(from, from + limit)
        const next = from + limit < all.size ? String(from + limit) : ''
        const text = `{"metadata":{"resourceVersion":"${version}","continue":"${next}"},"items":[${page.join()}]}`
        await nextTurn()
        return { kind: 'ok', code: 200, body: JSON.parse(text), warnings: [] }
      },
      watch: (path, _query, signal) =>
        Promise.resolve({ kind: 'open', events: events(kindAt(path), signal) }),
    },
    objects: {
      get: absent,
      create: (_resource, object) => done(object),
      replace: (_resource, object) => done(object),
      replaceStatus: (_resource, object) => done(object),
      mergePatch: (_resource, _at, patch) => done(patch),
      remove: absent,
    },
    change: (resource, object) => {
      const changed = newer(object)
      keep(resource, changed)
      say(kindOf(resource), 'MODIFIED', changed)
    },
    expire: (resource) => say(kindOf(resource), 'ERROR', { kind: 'Status', code: 410 }),
    calls: () => calls,
    renew: (resource) => {
      const { stored: all } = kindOf(resource)
      for (const [key, bytes] of all) all.set(key, bytesOf(newer(objectIn(bytes))))
    },
  }
}
