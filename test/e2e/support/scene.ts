import { bindingResource, clusterSpiffeIdResource, type Resource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { listOf, recordOf, type Json } from '../../support/embedded/json.ts'
import { resourceOf, type Manifest, type ReconcileCase } from '../../support/vectors.ts'
import { metaOf, until, type Cluster } from './cluster.ts'

const ownerAnnotation = 'kleym.sonda.red/binding'

/** Keeps an object that is being deleted, whatever the operator does. */
const foreignFinalizer = 'example.org/keeps-it'

type Scene = Pick<ReconcileCase, 'pools' | 'objectives' | 'existing' | 'otherBindings'>

/** The objects that a case has in its cluster before its binding is created. */
export async function setScene(
  cluster: Cluster,
  { pools, objectives, existing = [], otherBindings }: Scene,
): Promise<void> {
  await Promise.all([
    ...existing.map((one) => cluster.create(clusterSpiffeIdResource, outputOf(one))),
    ...[...pools, ...objectives].map((manifest) => cluster.create(resourceOf(manifest), manifest)),
  ])
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
  return outputs.filter(
    (output) =>
      recordOf(metaOf(output)['annotations'])[ownerAnnotation] === owner &&
      // Under another name than the operator's the object counts as somebody's copy.
      /^kleym-.*-(?:pool|objective)-[0-9a-f]{8}$/.test(String(metaOf(output)['name'])),
  )
}

/** Deletes what a case has in its cluster, bindings first: the operator takes their outputs with them. */
export async function clearScene(
  cluster: Cluster,
  one: Scene & Pick<ReconcileCase, 'binding'>,
): Promise<void> {
  const { binding, otherBindings, pools, objectives, existing = [] } = one
  await remove(
    cluster,
    [binding, ...otherBindings].map(({ metadata }) => ({ resource: bindingResource, ...metadata })),
  )
  await remove(cluster, [
    ...existing.map(({ name }) => ({ resource: clusterSpiffeIdResource, name })),
    ...[...pools, ...objectives].map((manifest) => ({
      resource: resourceOf(manifest),
      ...manifest.metadata,
    })),
  ])
}

type Target = { readonly resource: Resource; readonly name: string; readonly namespace?: string }

async function remove({ client, find }: Cluster, targets: readonly Target[]): Promise<void> {
  const gone = targets.map(async ({ resource, name, namespace }) => {
    const at = { name, namespace }
    const path = resourcePath(resource, at)
    await client.delete(path)
    const live = await find(resource, at)
    const finalizers = listOf(metaOf(live ?? {})['finalizers'])
    if (finalizers.includes(foreignFinalizer)) {
      const rest = finalizers.filter((one) => one !== foreignFinalizer)
      await client.patch(path, { metadata: { finalizers: rest } })
    }
    await until(`${resource.kind} ${name} is gone`, async () => (await find(resource, at)) === undefined)
  })
  await Promise.all(gone)
}
