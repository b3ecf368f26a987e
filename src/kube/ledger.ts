import type { Log } from './log.ts'
import type { KubeObject } from './object.ts'

export type Handler = {
  upserted(object: KubeObject): void
  removed(object: RemovedObject): void
  /** Called once, after every object of the first complete list has been reported. */
  synced(): void
  /**
   * Called with true before the first change of a list is reported, and with false after the last. In between, the reported
   * objects are a mixture of the list and of what was there before, a state that the cluster never had.
   */
  mixed?(isMixed: boolean): void
}

/** `namespace` is empty for what has none. */
export type RemovedObject = { readonly namespace: string; readonly name: string; readonly uid: string }

/** One state of one object. */
type Revision = { readonly uid: string; readonly resourceVersion: string }

/** What a list in progress has seen of one object; the object itself only where it is news. */
export type ListedObject = Revision & { readonly object: KubeObject | undefined }

/**
 * Remembers which objects the handler was told of and at what version, and passes on only what is new.
 *
 * A handler that throws is not called again for the same change: the error is logged, and the object counts as told. The next
 * change of that object is passed on as usual. One bad object thus stops neither the watch nor the others.
 */
export class Ledger {
  readonly #known = new Map<string, Revision>()
  #isMixed = false
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
  listed(object: KubeObject): readonly [string, ListedObject] {
    const { uid, resourceVersion } = object.metadata
    const key = keyOf(object)
    return [key, { uid, resourceVersion, object: this.#isNews(key, object) ? object : undefined }]
  }

  /**
   * Takes a complete list, an object a step. Removals are passed on before additions, so that a collision key which a
   * removed binding held is free when the others are looked at. Returns how many changes were passed on.
   */
  *replacing(listed: ReadonlyMap<string, ListedObject>): Generator<undefined, number> {
    let news = 0
    const isNews = (): void => {
      this.#mix(true)
      news += 1
    }
    for (const [key, { uid }] of this.#known) {
      if (listed.get(key)?.uid !== uid) {
        isNews()
        this.#remove(key)
      }
      yield
    }
    for (const { object } of listed.values()) {
      if (object) {
        isNews()
        this.upsert(object)
      }
      yield
    }
    this.#mix(false)
    return news
  }

  /** Nothing more will be heard: nobody may wait for a list that was cut short. */
  ended(): void {
    this.#mix(false)
  }

  /** A list that is cut short leaves what is known mixed, until the next one is taken in whole. */
  #mix(isMixed: boolean): void {
    if (this.#isMixed === isMixed) return
    this.#isMixed = isMixed
    this.#tell(() => this.#handler.mixed?.(isMixed))
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

  /** Whatever is heard of next is news, be its version the same. */
  doubt(): void {
    for (const [key, { uid }] of this.#known) this.#known.set(key, { uid, resourceVersion: '' })
  }

  *clearing(): Generator<undefined, void> {
    for (const key of this.#known.keys()) {
      this.#remove(key)
      yield
    }
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
