import { bindingResource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { listOf } from '../../support/embedded/json.ts'
import type { Manifest } from '../../support/vectors.ts'
import { metaOf, until, type Cluster } from './cluster.ts'
import { binding } from './manifests.ts'

/**
 * The API server notices a registration a moment after it was written: until both webhooks are asked. The mutating
 * one adds a finalizer, and only the validating one warns.
 */
export async function webhooksAreAsked({ client }: Cluster): Promise<void> {
  const probe = binding({ name: 'probe', namespace: 'default', spec: { poolRef: { name: 'nowhere' } } })
  const path = `${resourcePath(bindingResource, { namespace: 'default' })}?dryRun=All`
  await until('both webhooks are asked', async () => {
    const { code, body, warnings } = await client.post(path, probe)
    return code === 201 && warnings.length > 0 && listOf(metaOf(body)['finalizers']).length > 0
  })
}

/** Until the operator has seen a binding: it says something of it, or has let go of one that is being deleted. */
export async function operatorKnows({ find }: Cluster, { metadata }: Manifest): Promise<void> {
  const { namespace, name } = metadata
  await until(`the operator knows ${name}`, async () => {
    const live = (await find(bindingResource, { namespace, name })) ?? {}
    const { deletionTimestamp, finalizers } = metaOf(live)
    if (deletionTimestamp === undefined) return live['status'] !== undefined
    return !listOf(finalizers).some((finalizer) => String(finalizer).startsWith('kleym.sonda.red/'))
  })
}
