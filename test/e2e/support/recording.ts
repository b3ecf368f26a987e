import { vi } from 'vitest'
import type { Resource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import type { WatchEvent } from '../../support/embedded/client.ts'
import { bodyOf, metaOf, patience, type Cluster } from './cluster.ts'

/** The events of one kind, as a watch tells them, from the start of the recording. */
export type Recording = {
  /** Waits for an event, and gives all that happened until now, in order. */
  readonly until: (isIt: (event: WatchEvent) => boolean) => Promise<readonly WatchEvent[]>
  readonly stop: () => void
}

export async function record(
  { client }: Cluster,
  resource: Pick<Resource, 'group' | 'version' | 'plural'>,
  namespace?: string,
): Promise<Recording> {
  const path = resourcePath(resource, { namespace })
  const { resourceVersion: since } = metaOf(
    bodyOf(await client.get(`${path}?limit=1`), `listing ${resource.plural}`),
  )
  const watch = await client.watch(`${path}?watch=true&resourceVersion=${String(since)}`)
  const events: WatchEvent[] = []
  const follow = async (): Promise<void> => {
    for (let event = await watch.next(); event; event = await watch.next()) events.push(event)
  }
  // Closing the watch is how this ends.
  void follow().catch(() => undefined)
  return {
    until: async (isIt) => {
      await vi.waitFor(() => {
        if (!events.some(isIt)) throw new Error(`not seen among ${events.map(told).join(', ')}`)
      }, patience)
      return [...events]
    },
    stop: watch.close,
  }
}

export const nameIn = ({ object }: WatchEvent): string => String(metaOf(object)['name'])

export const told = (event: WatchEvent): string => `${event.type} ${nameIn(event)}`
