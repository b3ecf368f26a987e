import { keyOf, withMeta, type KubeObject } from './object.ts'

export type Change = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: string
  readonly object: KubeObject
  readonly before?: KubeObject
  readonly version: number
}

/** Versions start well above 1, so that a client can ask for one that is too old. */
const firstVersion = 100

/**
 * Objects by resource (`plural.group`) and key, one version counter for all of them, and the history that watches
 * resume from. Knows nothing of kinds, admission or finalizers.
 */
export class Store {
  #version = firstVersion
  #forgotten = firstVersion
  #history: Change[] = []
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #bornAt = new Map<string, number>()
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #limit: number

  constructor(historyLimit: number) {
    this.#limit = historyLimit
  }

  get version(): number {
    return this.#version
  }

  get(resource: string, key: string): KubeObject | undefined {
    return this.#objects.get(resource)?.get(key)
  }

  /** In the order of their keys. */
  list(resource: string): readonly KubeObject[] {
    const entries = [...(this.#objects.get(resource) ?? [])]
    return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** All objects of a namespace, with their resource. */
  inNamespace(namespace: string): readonly { readonly resource: string; readonly object: KubeObject }[] {
    return [...this.#objects].flatMap(([resource, objects]) =>
      [...objects.values()]
        .filter((object) => object.metadata.namespace === namespace)
        .map((object) => ({ resource, object })),
    )
  }

  put(resource: string, object: KubeObject): KubeObject {
    const objects = this.#objects.getOrInsertComputed(resource, () => new Map<string, KubeObject>())
    const before = objects.get(keyOf(object))
    const stored = this.#stamp(object)
    objects.set(keyOf(object), stored)
    this.#record(
      before === undefined
        ? { type: 'ADDED', resource, object: stored, version: this.#version }
        : { type: 'MODIFIED', resource, object: stored, before, version: this.#version },
    )
    return stored
  }

  remove(resource: string, object: KubeObject): KubeObject {
    const before = this.get(resource, keyOf(object))
    this.#objects.get(resource)?.delete(keyOf(object))
    const last = this.#stamp(object)
    this.#record({ type: 'DELETED', resource, object: last, before: before ?? last, version: this.#version })
    return last
  }

  /** What happened to a resource after a version; nothing when that is no longer known. */
  since(resource: string, version: number): readonly Change[] | undefined {
    if (version < Math.max(this.#forgotten, this.#bornAt.get(resource) ?? 0)) return undefined
    return this.#history.filter((change) => change.resource === resource && change.version > version)
  }

  /** A resource that is served from now on has no history before now. */
  born(resource: string): void {
    this.#bornAt.set(resource, this.#version)
  }

  forgetHistory(): void {
    this.#history = []
    this.#forgotten = this.#version
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #stamp(object: KubeObject): KubeObject {
    this.#version += 1
    return withMeta(object, { resourceVersion: String(this.#version) })
  }

  #record(change: Change): void {
    this.#history.push(change)
    // Trimmed by halves, so that a write costs a constant on average.
    if (this.#history.length > 2 * this.#limit) {
      const dropped = this.#history.splice(0, this.#limit)
      this.#forgotten = dropped.at(-1)?.version ?? this.#forgotten
    }
    for (const listener of this.#listeners) listener(change)
  }
}
