import {
  bindingResource,
  clusterSpiffeIdResource,
  optionalResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import { resourceOf, type Manifest, type ReconcileCase } from '../../support/vectors.ts'
import { metaOf, until, type Cluster } from './cluster.ts'

const ownerAnnotation = 'kleym.sonda.red/binding'

/** Keeps an object that is being deleted, whatever the operator does. */
const foreignFinalizer = 'example.org/keeps-it'

/** What a case has in its cluster before its binding comes: all but the binding. */
export async function setScene(
  cluster: Cluster,
  {
    pools,
    objectives,
    existing = [],
    otherBindings,
  }: Pick<ReconcileCase, 'pools' | 'objectives' | 'existing' | 'otherBindings'>,
): Promise<void> {
  for (const one of existing) await cluster.create(clusterSpiffeIdResource, outputOf(one))
  for (const manifest of [...pools, ...objectives]) await cluster.create(resourceOf(manifest), manifest)
  for (const manifest of otherBindings) await createBinding(cluster, manifest)
}

/** A binding that is being deleted can't be created: it is deleted while somebody's finalizer keeps it. */
export async function createBinding({ client, create }: Cluster, manifest: Manifest): Promise<void> {
  const { deletionTimestamp, finalizers, ...metadata } = manifest.metadata
  if (deletionTimestamp === undefined) {
    await create(bindingResource, { ...manifest })
    return
  }
  const kept = [...(Array.isArray(finalizers) ? finalizers : []), foreignFinalizer]
  await create(bindingResource, { ...manifest, metadata: { ...metadata, finalizers: kept } })
  await client.delete(resourcePath(bindingResource, metadata))
}

type Existing = NonNullable<ReconcileCase['existing']>[number]

/** A ClusterSPIFFEID that is there before; `for` names the binding it is of, without it it is somebody else's. */
function outputOf({ for: owner, ns = 'default', name, spec }: Existing): Json {
  const { group, version, kind } = clusterSpiffeIdResource
  const labels = {
    'kleym.sonda.red/managed-by': 'kleym',
    'kleym.sonda.red/binding-name': owner,
    'kleym.sonda.red/binding-namespace': ns,
  }
  const ours = { labels, annotations: { [ownerAnnotation]: `${ns}/${owner}` } }
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name, ...(owner !== undefined && ours) },
    spec: { ...(owner !== undefined && { hint: `${ns}/${owner}` }), ...spec },
  }
}

export async function outputsOf({ list }: Cluster, { metadata }: Manifest): Promise<readonly Json[]> {
  const owner = `${metadata.namespace}/${metadata.name}`
  const outputs = await list(clusterSpiffeIdResource)
  return outputs.filter((output) => recordOf(metaOf(output)['annotations'])[ownerAnnotation] === owner)
}

/** Deletes everything of every case, bindings first: the operator takes their outputs with them. */
export async function clearScene(cluster: Cluster): Promise<void> {
  await removeAll(cluster, bindingResource)
  for (const resource of optionalResources) await removeAll(cluster, resource)
}

async function removeAll({ client, list }: Cluster, resource: Resource): Promise<void> {
  for (const object of await list(resource)) {
    const { name, namespace, finalizers } = metaOf(object)
    const path = resourcePath(resource, {
      name: String(name),
      ...(typeof namespace === 'string' && { namespace }),
    })
    await client.delete(path)
    if (!Array.isArray(finalizers) || !finalizers.includes(foreignFinalizer)) continue
    const rest: readonly unknown[] = finalizers.filter((one) => one !== foreignFinalizer)
    await client.patch(path, { metadata: { finalizers: rest } })
  }
  await until(`no ${resource.kind} is left`, async () => (await list(resource)).length === 0)
}
