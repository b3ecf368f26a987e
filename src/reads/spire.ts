import type { SpireSight } from '../cli/cluster.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import { leaseResource } from '../core/resources.ts'
import { resourcePath } from '../kube/client.ts'
import { failureWords } from '../kube/client.ts'
import { listPages } from '../kube/listing.ts'
import { unseenBecause, type Connection } from './connected.ts'

type Leases = Extract<SpireSight, { kind: 'seen' }>['leases'][number]

/**
 * The Leases by which replicas of SPIRE Controller Manager choose a leader. Their name is configured and ends, in its own
 * manifests and in those of its charts, with `.spiffe.io`.
 */
export const readSpire = ({ use }: Connection): Promise<SpireSight> =>
  use<SpireSight>(async (client) => {
    const leases: Leases[] = []
    const listed = await listPages({
      client,
      path: resourcePath(leaseResource),
      query: {},
      pageSize: 500,
      signal: AbortSignal.timeout(30_000),
      take: (item) => {
        const { metadata, spec } = objectOr(item)
        const name = textOr(field(objectOr(metadata), 'name'), '')
        const namespace = textOr(field(objectOr(metadata), 'namespace'), '')
        if (!name.endsWith('.spiffe.io')) return
        leases.push({
          place: `${namespace}/${name}`,
          renewedAt: textOr(field(objectOr(spec), 'renewTime'), ''),
        })
      },
    })
    return listed.kind === 'complete'
      ? { kind: 'seen', leases }
      : unseenBecause(`listing Leases: ${failureWords(listed)}`)
  }, unseenBecause)
