import { definitionResource, type Resource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import type { Client, Watch } from '../../support/embedded/client.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import { metaOf, versionOf } from '../../support/world.ts'

/** One change of one object, in the order in which the API server made them. */
export type Happening = {
  readonly version: number
  readonly resource: Resource
  readonly removed: boolean
  readonly object: Json
}

type Following = { seen: number; ended: boolean; readonly watch: Watch }

/** Watches kinds next to the loop, past every fault, and keeps all that happened. */
export class History implements Disposable {
  readonly #client: Client
  readonly #following = new Set<Following>()
  #happenings: readonly Happening[] = []

  constructor(client: Client) {
    this.#client = client
  }

  /** Watches a kind from now on. When the kind goes its watch ends, and begins again when the kind is served anew. */
  async follow(resource: Resource): Promise<void> {
    const query = 'watch=true&allowWatchBookmarks=true&resourceVersion=0'
    const watch = await this.#client.watch(`${resourcePath(resource)}?${query}`)
    const following = { seen: 0, ended: false, watch }
    this.#following.add(following)
    void this.#listen(resource, following).finally(() => {
      following.ended = true
    })
  }

  /** All that happened up to now and was not asked for before. */
  async take(): Promise<readonly Happening[]> {
    const { body } = await this.#client.get(`${resourcePath(definitionResource)}?limit=1`)
    const version = Number(recordOf(body['metadata'])['resourceVersion'])
    while ([...this.#following].some(({ seen, ended }) => !ended && seen < version))
      await new Promise((resolve) => setTimeout(resolve, 5))
    const happenings = this.#happenings.toSorted((a, b) => a.version - b.version)
    this.#happenings = []
    return happenings
  }

  [Symbol.dispose](): void {
    for (const { watch } of this.#following) watch.close()
  }

  async #listen(resource: Resource, following: Following): Promise<void> {
    try {
      for (;;) {
        const event = await following.watch.next()
        if (!event) return
        const { type, object } = event
        const version = versionOf(object)
        following.seen = Math.max(following.seen, version)
        if (type !== 'BOOKMARK' && 'name' in metaOf(object))
          this.#happenings = [...this.#happenings, { version, resource, removed: type === 'DELETED', object }]
      }
    } catch {
      // The watch was closed.
    }
  }
}
