import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import {
  definitionResource,
  bindingResource,
  crdName,
  optionalResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import { permissive } from '../../support/permissive.ts'
import { bodyOf, metaOf, until, type Cluster } from './cluster.ts'

/** Has exactly these optional kinds served, each by a CRD that takes anything. */
export async function serveOnly(cluster: Cluster, served: readonly Resource[]): Promise<void> {
  await Promise.all(
    optionalResources.map((resource) =>
      served.includes(resource) ? install(cluster, resource) : uninstall(cluster, resource),
    ),
  )
}

async function install(cluster: Cluster, resource: Resource): Promise<void> {
  if (await cluster.find(definitionResource, { name: crdName(resource) })) return
  await cluster.create(definitionResource, permissive(resource))
  await until(`${crdName(resource)} is served`, async () => (await listing(cluster, resource)) === 200)
}

async function uninstall({ client, find }: Cluster, resource: Resource): Promise<void> {
  const at = { name: crdName(resource) }
  await client.delete(resourcePath(definitionResource, at))
  await until(`${at.name} is gone`, async () => (await find(definitionResource, at)) === undefined)
}

const listing = async ({ client }: Cluster, resource: Resource): Promise<number> =>
  (await client.get(resourcePath(resource))).code

const strictFile = new URL('../../../deploy/crd/inferenceidentitybindings.yaml', import.meta.url)

/** Serves bindings by our own CRD, or by one that takes anything; one that is there is changed in place. */
export async function serveBindings(cluster: Cluster, how: 'strict' | 'permissive'): Promise<void> {
  const wanted: Json =
    how === 'strict' ? recordOf(parse(await readFile(strictFile, 'utf8'))) : permissive(bindingResource)
  const at = { name: crdName(bindingResource) }
  const live = await cluster.find(definitionResource, at)
  if (live) {
    const metadata = { ...metaOf(wanted), resourceVersion: metaOf(live)['resourceVersion'] }
    const path = resourcePath(definitionResource, at)
    bodyOf(await cluster.client.put(path, { ...wanted, metadata }), `replacing ${at.name}`)
  } else {
    await cluster.create(definitionResource, wanted)
  }
  // A schema is in force a moment after it was stored. A spec that is no object shows which one is.
  const probe = {
    apiVersion: 'kleym.sonda.red/v1alpha1',
    kind: bindingResource.kind,
    metadata: { name: 'a' },
  }
  const path = `${resourcePath(bindingResource, { namespace: 'default' })}?dryRun=All`
  const code = how === 'strict' ? 422 : 201
  await until(`the ${how} schema of bindings is in force`, async () => {
    const reply = await cluster.client.post(path, { ...probe, spec: 1 })
    return reply.code === code
  })
}
