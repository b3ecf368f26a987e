import { crdName, definitionResource, gvk, type Resource, allResources } from '../../../src/core/resources.ts'
import { serves } from '../../../src/kube/definition.ts'
import { decodeObject } from '../../../src/kube/object.ts'
import type { Json } from '../../support/embedded/json.ts'
import { placeOf } from '../../support/world.ts'
import type { Change } from '../history.ts'

export const keyOfObject = (resource: Resource, object: Json): string => {
  const { namespace = '', name } = placeOf(object)
  return `${gvk(resource)} ${namespace}/${name}`
}

export const keyOfDefinition = (resource: Resource): string =>
  `${gvk(definitionResource)} /${crdName(resource)}`

/** The kinds that an API server with these CustomResourceDefinitions serves. */
export function servedBy(definitions: readonly Change[]): readonly Resource[] {
  return allResources.filter((resource) =>
    definitions.some(({ object }) => {
      const definition = decodeObject(object)
      return definition?.metadata.name === crdName(resource) && serves(definition, resource.version)
    }),
  )
}
