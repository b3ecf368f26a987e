import type { Inventory } from '../core/inventory.ts'
import { field, objectOr } from '../core/json.ts'
import { bindingResource, clusterSpiffeIdResource, type Resource } from '../core/resources.ts'
import type { KubeObject } from '../kube/reflector.ts'

/**
 * Keeps of a pool or an objective only its name, version, `selector` and `poolRef`; bindings and ClusterSPIFFEIDs stay whole. A
 * list is taken in once all of its pages have come, and until then all of its objects are held.
 */
export function lighten(
  resource: Resource,
  object: KubeObject,
  inventory: Pick<Inventory, 'intern'>,
): KubeObject {
  const light = isPoolOrObjective(resource) ? bare(object) : object
  inventory.intern(light)
  return light
}

const isPoolOrObjective = (resource: Resource): boolean =>
  resource !== bindingResource && resource !== clusterSpiffeIdResource

function bare({ metadata: { name, namespace, uid, resourceVersion }, spec }: KubeObject): KubeObject {
  const fields = objectOr(spec)
  return {
    metadata: { name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) },
    spec: Object.fromEntries(
      ['selector', 'poolRef'].flatMap((key) => {
        const value = field(fields, key)
        return value === undefined ? [] : [[key, value]]
      }),
    ),
  }
}
