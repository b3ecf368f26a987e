/** An API server whose objects are in a thread: lists of what is stored, and watches that are told what to say. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { objectOr, type JsonObject } from '../../../src/core/json.ts'
import type { Objects, Reply } from '../../../src/core/objects.ts'
import { crdName, definitionResource, type Resource } from '../../../src/core/resources.ts'
import { resourcePath, type Client } from '../../../src/kube/client.ts'
import type { Answered, Question } from './store.ts'

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
  readonly renew: (resource: Resource) => Promise<void>
}

type Watched = { readonly told: string[]; wake: () => void }

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

/** The thread that stores the objects; each question resolves to the bytes that it sends. */
function startStore(size: number, layoutName: string) {
  const thread = new Worker(new URL('store.ts', import.meta.url), { workerData: [size, layoutName] })
  const waiting = new Map<number, (bytes: Uint8Array | undefined) => void>()
  let asked = 0
  thread.on('message', ({ id, bytes }: Answered) => {
    waiting.get(id)?.(bytes)
    waiting.delete(id)
  })
  return (question: Question): Promise<Uint8Array | undefined> =>
    new Promise((resolve) => {
      const id = (asked += 1)
      waiting.set(id, resolve)
      thread.postMessage({ id, question }, [])
    })
}

const jsonIn = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes.buffer).toString())

/** @param definitions what there is besides the bindings of a layout and what they need */
export async function recordedServer(
  size: number,
  layoutName: string,
  definitions: readonly JsonObject[],
): Promise<Recorded> {
  const ask = startStore(size, layoutName)
  const watches = new Map<string, Watched>()
  let version = 1_000_000
  let calls = 0
  const watchAt = (path: string): Watched => {
    const watched = watches.get(path) ?? { told: [], wake: () => {} }
    watches.set(path, watched)
    return watched
  }
  const keep = (resource: Resource, object: JsonObject): Promise<unknown> =>
    ask({ kind: 'keep', path: resourcePath(resource), object })
  const newer = (object: JsonObject): JsonObject => ({
    ...object,
    metadata: { ...objectOr(object['metadata']), resourceVersion: String((version += 1)) },
  })
  const say = (resource: Resource, type: string, object: JsonObject): void => {
    const watched = watchAt(resourcePath(resource))
    watched.told.push(JSON.stringify({ type, object }))
    watched.wake()
  }
  for (const object of definitions) await keep(definitionResource, object)

  async function* events(watched: Watched, signal: AbortSignal): AsyncGenerator {
    while (!signal.aborted) {
      const line = watched.told.shift()
      if (line !== undefined) yield JSON.parse(line)
      else
        await new Promise<void>((resolve) => {
          watched.wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
    }
  }

  const done = (object: JsonObject): Promise<Reply> => answer(() => ({ kind: 'done', object: newer(object) }))
  return {
    client: {
      call: async ({ path, query = {} }) => {
        calls += 1
        const [from, limit] = [Number(query['continue'] ?? 0), Number(query['limit'])]
        const one = await ask({ kind: 'get', path })
        const bytes = one ?? (await ask({ kind: 'list', path, version, from, limit }))
        if (!bytes) throw new Error(`nothing is listed at ${path}`)
        // A port hands on all messages that there are in one turn, which sockets would not.
        await nextTurn()
        return { kind: 'ok', code: 200, body: jsonIn(bytes), warnings: [] }
      },
      watch: (path, _query, signal) =>
        Promise.resolve({ kind: 'open', events: events(watchAt(path), signal) }),
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
      void keep(resource, changed)
      say(resource, 'MODIFIED', changed)
    },
    expire: (resource) => say(resource, 'ERROR', { kind: 'Status', code: 410 }),
    calls: () => calls,
    renew: async (resource) => {
      await ask({ kind: 'renew', path: resourcePath(resource), version })
      // More than a kind has objects.
      version += 1_000_000
    },
  }
}
