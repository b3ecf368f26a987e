import { field, objectOr, textOr } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import type { LiveNamespace } from './live.ts'
import type { ListLive } from './missing.ts'

/** The bindings of a namespace as the API server has them, while their names and versions are being listed. */
export class ListedBindings {
  readonly names = new Set<string>()
  /** Those that memory lacks or has at another version. */
  readonly unknown: string[] = []
  /** Resolves once the list is complete, or was stopped. Rejects if it fails. */
  readonly end: Promise<void>
  /** Resolves once a page is there: with how many bindings are left, 0 after the last page, undefined if that is not known. */
  readonly firstPage: Promise<number | undefined>
  /** How many bindings are left by the newest page. */
  #left: number | undefined
  #isStopped = false

  constructor(namespace: string, live: LiveNamespace, list: ListLive) {
    const first = Promise.withResolvers<number | undefined>()
    const take = (object: unknown): void => {
      const metadata = objectOr(objectOr(object)['metadata'])
      const name = textOr(field(metadata, 'name'), '')
      this.names.add(name)
      const known = live.binding(name)
      if (known === undefined || known.resourceVersion !== field(metadata, 'resourceVersion'))
        this.unknown.push(name)
    }
    const paged = (left: number | undefined): boolean => {
      this.#left = left
      first.resolve(left)
      return !this.#isStopped
    }
    this.end = list(bindingResource, namespace, take, { part: 'metadata', wantsMore: paged })
    this.firstPage = first.promise
    this.end.then(() => paged(0), first.reject)
    // Whoever waits for the end or the first page later hears of a failure then.
    this.firstPage.catch(() => {})
  }

  /** How many bindings the namespace has, if that is known. */
  get size(): number | undefined {
    return this.#left === undefined ? undefined : this.names.size + this.#left
  }

  /** No page is asked for after this; one that is on its way is not waited for. */
  stop(): void {
    this.#isStopped = true
  }
}
