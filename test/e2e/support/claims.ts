import { leaseResource } from '../../../src/core/resources.ts'
import { createClient } from '../../../src/kube/client.ts'
import { loadKubeConfig } from '../../../src/kube/config.ts'
import { createObjects } from '../../../src/kube/objects.ts'
import { claimLabel, decodeClaim, type Claim } from '../../../src/webhook/claim.ts'
import { Reservations } from '../../../src/webhook/reservations.ts'
import type { Json } from '../../support/embedded/json.ts'
import { recordOf } from '../../support/embedded/json.ts'
import { metaOf, type Cluster } from './cluster.ts'

const namespace = 'kleym-system'

async function leases({ list }: Cluster): Promise<readonly Json[]> {
  const all = await list(leaseResource, namespace)
  return all.filter((lease) => recordOf(metaOf(lease)['labels'])[claimLabel] !== undefined)
}

export const claims = async (cluster: Cluster): Promise<readonly Claim[]> =>
  (await leases(cluster)).map(decodeClaim)

/** Deletes all claims, as the leader does once they are older than the bound. */
export async function collectAsIfLater(cluster: Cluster): Promise<void> {
  let now = 0
  const client = createClient(loadKubeConfig({ kubeconfig: cluster.plane.kubeconfig }))
  const reservations = new Reservations({
    objects: createObjects(client),
    namespace,
    now: () => now,
    staleMs: 1,
    holders: () => [],
  })
  for (const lease of await leases(cluster)) reservations.observed(lease)
  now = 2
  await reservations.collect()
  await client.close()
}
