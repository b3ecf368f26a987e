import { finalizer, type Binding } from '../core/binding.ts'
import { field, objectOr } from '../core/json.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Manifest } from './manifests.ts'
import type { OutputState } from './output-state.ts'

/**
 * What a binding that is being deleted waits for. The operator's own finalizer stays until the binding's ClusterSPIFFEIDs are gone,
 * so where one of these waits for a finalizer, that is the cause. Empty if nothing keeps the binding.
 */
export function keepersOf(
  { finalizers }: Binding,
  { leftovers }: Pick<OutputState, 'leftovers'>,
  manifests: readonly Manifest[],
): readonly string[] {
  const waiting = manifests.flatMap(({ resource, name, object }) => {
    const metadata = objectOr(field(object, 'metadata'))
    const names = field(metadata, 'finalizers')
    const isLeftover =
      resource === clusterSpiffeIdResource && leftovers.includes(name) && Array.isArray(names)
    return isLeftover && names.length > 0 && field(metadata, 'deletionTimestamp') !== undefined
      ? [`finalizer ${names.join(', ')} of its ClusterSPIFFEID ${name}, which has to go first`]
      : []
  })
  return finalizers.flatMap((one) => (one === finalizer && waiting.length > 0 ? waiting : [one]))
}
