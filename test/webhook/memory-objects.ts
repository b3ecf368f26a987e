import { field, objectOr, sameJson, textOr, type JsonObject } from '../../src/core/json.ts'
import type { Objects, ObjectName, Reply } from '../../src/core/objects.ts'
import { gvk, type Resource } from '../../src/core/resources.ts'

type Preconditions = Parameters<Objects['remove']>[2]

export type MemoryEvent = {
  readonly kind: 'upserted' | 'removed'
  readonly resource: Resource
  readonly object: JsonObject
}

/**
 * What an API server keeps, as far as single objects and their preconditions go. Versions count per name and go on
 * after a deletion, so that the order of writes to different objects leaves no trace.
 */
export class MemoryObjects {
  readonly events: MemoryEvent[] = []
  readonly #objects = new Map<string, JsonObject>()
  readonly #versions = new Map<string, number>()

  all(resource: Resource): readonly JsonObject[] {
    return [...this.#objects].flatMap(([key, object]) => (key.startsWith(gvk(resource)) ? [object] : []))
  }

  find(resource: Resource, at: ObjectName): JsonObject | undefined {
    return this.#objects.get(keyOf(resource, at))
  }

  get(resource: Resource, at: ObjectName): Reply {
    const object = this.find(resource, at)
    return object ? { kind: 'done', object } : { kind: 'absent' }
  }

  create(resource: Resource, object: JsonObject): Reply {
    const at = placeOf(object)
    if (this.find(resource, at)) return conflict(`${at.name} already exists`)
    const uid = metaText(object, 'uid') || `uid-${this.#next(resource, at)}-${at.name}`
    return this.#put(resource, at, object, uid)
  }

  replace(resource: Resource, object: JsonObject): Reply {
    const at = placeOf(object)
    const before = this.find(resource, at)
    if (!before) return { kind: 'absent' }
    const asSeen = { uid: metaText(object, 'uid'), resourceVersion: metaText(object, 'resourceVersion') }
    if (!isAsSeen(before, asSeen)) return conflict('the object has been modified')
    // A write that changes nothing is not stored, so the version stays.
    return sameJson(before, object)
      ? { kind: 'done', object: before }
      : this.#put(resource, at, object, asSeen.uid)
  }

  remove(resource: Resource, at: ObjectName, preconditions?: Preconditions): Reply {
    const object = this.find(resource, at)
    if (!object) return { kind: 'absent' }
    if (preconditions && !isAsSeen(object, preconditions)) return conflict('a precondition failed')
    this.#objects.delete(keyOf(resource, at))
    this.events.push({ kind: 'removed', resource, object })
    return { kind: 'done', object }
  }

  #next(resource: Resource, at: ObjectName): number {
    return (this.#versions.get(keyOf(resource, at)) ?? 0) + 1
  }

  #put(resource: Resource, at: ObjectName, given: JsonObject, uid: string): Reply {
    const version = this.#next(resource, at)
    this.#versions.set(keyOf(resource, at), version)
    const metadata = { ...objectOr(given['metadata']), uid, resourceVersion: String(version) }
    const object = { ...given, metadata }
    this.#objects.set(keyOf(resource, at), object)
    this.events.push({ kind: 'upserted', resource, object })
    return { kind: 'done', object }
  }
}

export type Verb = 'get' | 'create' | 'replace' | 'remove'

/** The access to objects that the layers above use. `through` decides when a call takes effect, and what answer arrives. */
export function objectsOver(
  memory: MemoryObjects,
  through: (verb: Verb, effect: () => Reply, signal?: AbortSignal) => Promise<Reply>,
): Pick<Objects, Verb> {
  return {
    get: (resource, at, signal) => through('get', () => memory.get(resource, at), signal),
    create: (resource, object) => through('create', () => memory.create(resource, object)),
    replace: (resource, object) => through('replace', () => memory.replace(resource, object)),
    remove: (resource, at, asSeen) => through('remove', () => memory.remove(resource, at, asSeen)),
  }
}

export const failed: Reply = { kind: 'failed', cause: 'the connection was lost', retryAfterMs: undefined }

export const metaText = (object: JsonObject, name: string): string =>
  textOr(field(objectOr(object['metadata']), name), '')

const placeOf = (object: JsonObject): ObjectName => ({
  namespace: metaText(object, 'namespace'),
  name: metaText(object, 'name'),
})

const keyOf = (resource: Resource, { namespace = '', name }: ObjectName): string =>
  `${gvk(resource)} ${namespace}/${name}`

const isAsSeen = (object: JsonObject, { uid, resourceVersion }: Preconditions): boolean =>
  metaText(object, 'uid') === uid && metaText(object, 'resourceVersion') === resourceVersion

const conflict = (message: string): Reply => ({ kind: 'conflict', message })
