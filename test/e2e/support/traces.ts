import { eventResource, leaseResource, bindingResource } from '../../../src/core/resources.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import type { Manifest } from '../../support/vectors.ts'
import { metaOf, type Cluster } from './cluster.ts'
import { outputsOf } from './scene.ts'

export type Traces = Readonly<Record<'bindings' | 'outputs' | 'events' | 'claims', readonly unknown[]>>

/** All objects that an API server has because of one binding, by name. */
export async function tracesOf(cluster: Cluster, manifest: Manifest): Promise<Traces> {
  const { name, namespace } = manifest.metadata
  const binding = await cluster.find(bindingResource, { namespace, name })
  const events = await cluster.list(eventResource, namespace)
  const leases = await cluster.list(leaseResource, 'kleym-system')
  const isOfIt = (event: Json): boolean => recordOf(event['regarding'])['name'] === name
  const isHeldByIt = (lease: Json): boolean =>
    recordOf(lease['spec'])['holderIdentity'] === `${namespace}/${name}`
  return {
    bindings: binding ? [name] : [],
    outputs: (await outputsOf(cluster, manifest)).map(nameOf),
    events: events.filter(isOfIt).map(nameOf),
    claims: leases.filter(isHeldByIt).map(nameOf),
  }
}

const nameOf = (object: Json): unknown => metaOf(object)['name']
