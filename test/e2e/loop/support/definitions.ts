import {
  definitionResource,
  bindingResource,
  crdName,
  type Resource,
} from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import { recordOf, without, type Json } from '../../../support/embedded/json.ts'
import { bodyOf, metaOf, type Cluster } from '../../support/cluster.ts'
import { eventually } from './tenant.ts'

const pathOf = (resource: Resource): string => resourcePath(definitionResource, { name: crdName(resource) })

/** Deletes a CRD and with it all objects of its kind; gives what there is to create it again. */
export async function removeDefinition(cluster: Cluster, resource: Resource): Promise<Json> {
  const definition = bodyOf(await cluster.client.get(pathOf(resource)), 'reading a CRD')
  bodyOf(await cluster.client.delete(pathOf(resource)), 'deleting a CRD')
  await eventually(async () => {
    const { code } = await cluster.client.get(pathOf(resource))
    if (code !== 404) throw new Error(`${crdName(resource)} is still there`)
  })
  const { name, annotations } = metaOf(definition)
  return { ...definition, metadata: { name, annotations }, status: undefined }
}

export async function bringDefinition(cluster: Cluster, resource: Resource, definition: Json): Promise<void> {
  await cluster.create(definitionResource, definition)
  await eventually(async () => {
    const { code } = await cluster.client.get(resourcePath(resource))
    if (code !== 200) throw new Error(`${crdName(resource)} is not served`)
  })
}

/** The same CRD with other properties in the schema of its spec, or of its status. */
export function withProperties(
  definition: Json,
  change: (properties: Json) => Json,
  part: 'spec' | 'status' = 'spec',
): Json {
  const spec = recordOf(definition['spec'])
  const [version] = Array.isArray(spec['versions']) ? spec['versions'].map(recordOf) : []
  const schema = recordOf(recordOf(version?.['schema'])['openAPIV3Schema'])
  const properties = recordOf(schema['properties'])
  const old = recordOf(properties[part])
  const changed = { ...old, properties: change(recordOf(old['properties'])) }
  const openAPIV3Schema = { ...schema, properties: { ...properties, [part]: changed } }
  return { ...definition, spec: { ...spec, versions: [{ ...version, schema: { openAPIV3Schema } }] } }
}

/** Changes a CRD in place; its objects stay. */
export async function replaceDefinition(
  { client }: Cluster,
  resource: Resource,
  definition: Json,
): Promise<void> {
  const { metadata } = bodyOf(await client.get(pathOf(resource)), 'reading a CRD')
  bodyOf(await client.put(pathOf(resource), { ...definition, metadata }), 'replacing a CRD')
}

/** Changes the schema of bindings in place. Gives what undoes that. */
export async function changeBindings(
  cluster: Cluster,
  ...change: [change: (properties: Json) => Json, part?: 'spec' | 'status']
): Promise<() => Promise<void>> {
  const before = bodyOf(await cluster.client.get(pathOf(bindingResource)), 'reading a CRD')
  await replaceDefinition(cluster, bindingResource, withProperties(before, ...change))
  return () => replaceDefinition(cluster, bindingResource, before)
}

/** The same CRD, without the subresource `status`: what is written there is not found. */
export function withoutStatus(definition: Json): Json {
  const spec = recordOf(definition['spec'])
  const versions = Array.isArray(spec['versions']) ? spec['versions'].map(recordOf) : []
  return {
    ...definition,
    spec: { ...spec, versions: versions.map((version) => without(version, 'subresources')) },
  }
}

/** The same CRD, after its project went on to another version. The former ones are served too, or no longer. */
export function movedTo(
  definition: Json,
  name: string,
  { servesFormer }: { readonly servesFormer: boolean },
): Json {
  const spec = recordOf(definition['spec'])
  const former = Array.isArray(spec['versions']) ? spec['versions'].map(recordOf) : []
  const versions = [
    ...former.map((version) => ({ ...version, served: servesFormer, storage: false })),
    { ...former[0], name, served: true, storage: true },
  ]
  return { ...definition, spec: { ...spec, versions } }
}

/** The same CRD, which keeps nothing of a spec but these properties. */
export function pruningTo(definition: Json, properties: Json): Json {
  const spec = recordOf(definition['spec'])
  const versions = Array.isArray(spec['versions']) ? spec['versions'].map(recordOf) : []
  const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties } } }
  return {
    ...definition,
    spec: { ...spec, versions: versions.map((version) => ({ ...version, schema: { openAPIV3Schema } })) },
  }
}
