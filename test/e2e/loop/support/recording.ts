import { vi } from 'vitest'
import { resourcePath } from '../../../../src/kube/client.ts'
import type { Resource } from '../../../../src/core/resources.ts'
import type { WatchEvent } from '../../../support/embedded/client.ts'
import { bodyOf, metaOf, patience, type Cluster } from '../../support/cluster.ts'
import { versionOf } from './tenant.ts'

/** What a watch tells of one kind from the moment on that the recording starts. */
export type Recording = {
  /** All that happened up to now, in order. */
  readonly events: () => Promise<readonly WatchEvent[]>
  readonly stop: () => void
}

export async function record(
  { client }: Cluster,
  resource: Pick<Resource, 'group' | 'version' | 'plural'>,
  namespace?: string,
): Promise<Recording> {
  const path = resourcePath(resource, { namespace })
  const version = async (): Promise<number> =>
    versionOf(bodyOf(await client.get(`${path}?limit=1`), `listing ${resource.plural}`))
  const events: WatchEvent[] = []
  let seen = await version()
  const watch = await client.watch(`${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${seen}`)
  const follow = async (): Promise<void> => {
    for (let event = await watch.next(); event; event = await watch.next()) {
      seen = versionOf(event.object)
      if (event.type !== 'BOOKMARK') events.push(event)
    }
  }
  // Closing it is how it ends.
  const following = follow().catch(() => undefined)
  return {
    events: async () => {
      const last = await lastChange(client, path)
      await vi.waitFor(() => {
        if (seen < last) throw new Error(`the watch of ${resource.plural} is at ${seen}, not yet at ${last}`)
      }, patience)
      return [...events]
    },
    stop: () => {
      watch.close()
      void following
    },
  }
}

/** A deletion leaves no object behind to compare with; what exists is what the watch must have shown. */
async function lastChange(client: Cluster['client'], path: string): Promise<number> {
  const { items } = bodyOf(await client.get(path), path)
  return Math.max(0, ...(Array.isArray(items) ? items.map(versionOf) : []))
}

export const nameIn = ({ object }: WatchEvent): string => String(metaOf(object)['name'])
