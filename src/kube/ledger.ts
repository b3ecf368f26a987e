import type { Log } from './log.ts'
import type { KubeObject } from './object.ts'

export type Handler = {
  upserted(object: KubeObject): void
  removed(object: Removed): void
  /** Once, after all that the first complete list holds has been reported. */
  synced(): void
}

/** `namespace` is empty for what has none. */
export type Removed = { readonly namespace: string; readonly name: string; readonly uid: string }

type Known = { readonly uid: string; readonly resourceVersion: string }

/** What a list in progress has seen of one object; the object itself only where it is news. */
export type Listed = Known & { readonly object: KubeObject | undefined }

/**
 * Remembers which objects the handler was told of and at what version, and passes on only what is new.
 *
 * A handler that throws is not called again for the same change: the error is logged, and the object counts as told. The next
 * change of that object is passed on as usual. One bad object thus stops neither the watch nor the others.
 */
export class Ledger {
  readonly #known = new Map<string, Known>()
  readonly #handler: Handler
  readonly #log: Log

  constructor(handler: Handler, log: Log) {
    this.#handler = handler
    this.#log = log
  }

  /**
   * What to keep of a listed object until the list is complete: the object itself only if the handler does not know
   * this version.
   */
  listed(object: KubeObject): readonly [string, Listed] {
    const { uid, resourceVersion } = object.metadata
    const key = keyOf(object)
    return [key, { uid, resourceVersion, object: this.#isNews(key, object) ? object : undefined }]
  }

  /**
   * Takes a complete list. Removals are passed on before additions, so that a collision key which a removed binding held is free
   * when the others are looked at. Returns how many changes were passed on.
   */
  replace(listed: ReadonlyMap<string, Listed>): number {
    const gone = this.#known
      .entries()
      .filter(([key, { uid }]) => listed.get(key)?.uid !== uid)
      .map(([key]) => key)
      .toArray()
    for (const key of gone) this.#remove(key)
    const news = listed
      .values()
      .flatMap(({ object }) => (object ? [object] : []))
      .toArray()
    for (const object of news) this.upsert(object)
    return gone.length + news.length
  }

  upsert(object: KubeObject): void {
    const key = keyOf(object)
    if (!this.#isNews(key, object)) return
    const { uid, resourceVersion } = object.metadata
    const known = this.#known.get(key)
    if (known && known.uid !== uid) this.#remove(key)
    this.#known.set(key, { uid, resourceVersion })
    this.#tell(() => this.#handler.upserted(object))
  }

  remove(object: KubeObject): void {
    this.#remove(keyOf(object))
  }

  clear(): void {
    for (const key of this.#known.keys()) this.#remove(key)
  }

  synced(): void {
    this.#tell(() => this.#handler.synced())
  }

  #isNews(key: string, { metadata }: KubeObject): boolean {
    const known = this.#known.get(key)
    return known?.uid !== metadata.uid || known.resourceVersion !== metadata.resourceVersion
  }

  #remove(key: string): void {
    const known = this.#known.get(key)
    if (!known) return
    this.#known.delete(key)
    const [namespace = '', name = ''] = key.split('/')
    this.#tell(() => this.#handler.removed({ namespace, name, uid: known.uid }))
  }

  #tell(tell: () => void): void {
    try {
      tell()
    } catch (error) {
      this.#log.error({ err: error }, 'a handler of watched objects threw')
    }
  }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`
