import type { Inventory } from '../core/inventory.ts'
import { field, objectOr } from '../core/json.ts'
import { bindingResource, clusterSpiffeIdResource, type Resource } from '../core/resources.ts'
import type { KubeObject } from '../kube/reflector.ts'

/**
 * What of a watched object counts. A list is taken in once all of its pages have come, so until then this much of every
 * object is kept: of pools and objectives, which can be large, next to nothing.
 */
export function lighten(
  resource: Resource,
  object: KubeObject,
  inventory: Pick<Inventory, 'lighten'>,
): KubeObject {
  const light = isReference(resource) ? bare(object) : object
  inventory.lighten(light)
  return light
}

const isReference = (resource: Resource): boolean =>
  resource !== bindingResource && resource !== clusterSpiffeIdResource

function bare({ metadata: { name, namespace, uid, resourceVersion }, spec }: KubeObject): KubeObject {
  const fields = objectOr(spec)
  return {
    metadata: { name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) },
    spec: Object.fromEntries(
      ['selector', 'poolRef'].flatMap((part) => {
        const value = field(fields, part)
        return value === undefined ? [] : [[part, value]]
      }),
    ),
  }
}
