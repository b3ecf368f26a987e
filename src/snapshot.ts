import { messageOf } from './core/show.ts'
import type { ClusterSnapshot, Scope } from './cli/cluster.ts'
import type { Manifest } from './cli/manifests.ts'
import type { ClusterChoice } from './config.ts'
import {
  bindingResource,
  crdName,
  definitionResource,
  optionalResources,
  type Resource,
} from './core/resources.ts'
import { createClient, explain, resourcePath, type Client } from './kube/client.ts'
import { loadKubeConfig } from './kube/config.ts'
import { isAbsent, serves } from './kube/definition.ts'
import { listPages } from './kube/listing.ts'
import { decodeObject } from './kube/object.ts'

/** Lists, once, what a cluster holds. Only reads. */
export async function snapshotCluster(
  choice: ClusterChoice,
  { namespace, kinds = [bindingResource, ...optionalResources] }: Scope = {},
): Promise<ClusterSnapshot> {
  let client: Client | undefined
  try {
    client = createClient(loadKubeConfig(choice))
    const served: Resource[] = []
    const manifests: Manifest[] = []
    for (const resource of [bindingResource, ...optionalResources]) {
      if (!(await isServed(client, resource))) continue
      served.push(resource)
      if (kinds.includes(resource)) await listAll(client, resource, namespace, (one) => manifests.push(one))
    }
    return { kind: 'snapshot', served, manifests }
  } catch (error) {
    return { kind: 'problem', problem: messageOf(error) }
  } finally {
    await client?.close()
  }
}

async function isServed(client: Client, resource: Resource): Promise<boolean> {
  const name = crdName(resource)
  const answer = await client.call({ method: 'GET', path: resourcePath(definitionResource, { name }) })
  if (isAbsent(answer)) return false
  if (answer.kind !== 'ok') throw new Error(`reading CustomResourceDefinition ${name}: ${explain(answer)}`)
  const definition = decodeObject(answer.body)
  return definition !== undefined && serves(definition, resource.version)
}

async function listAll(
  client: Client,
  resource: Resource,
  namespace: string | undefined,
  take: (manifest: Manifest) => void,
): Promise<void> {
  const listed = await listPages({
    client,
    path: resourcePath(resource, resource.namespaced ? { namespace } : {}),
    query: {},
    pageSize: 500,
    signal: AbortSignal.timeout(60_000),
    take: (item) => {
      const object = decodeObject(item)
      if (!object) return
      const { metadata } = object
      take({ resource, object, namespace: metadata.namespace ?? '', name: metadata.name })
    },
  })
  if (listed.kind !== 'complete') throw new Error(`listing ${crdName(resource)}: ${explain(listed)}`)
}
