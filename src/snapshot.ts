import type { ClusterSnapshot, Scope, Unseen } from './cli/cluster.ts'
import type { Manifest } from './cli/manifests.ts'
import { field, objectOr } from './core/json.ts'
import {
  bindingResource,
  crdName,
  definitionResource,
  optionalResources,
  type Resource,
} from './core/resources.ts'
import {
  failureWords,
  resourcePath,
  type Answer,
  type Client,
  type Lost,
  type Refused,
} from './kube/client.ts'
import { isAbsent, serves } from './kube/definition.ts'
import { listPages } from './kube/listing.ts'
import { decodeObject } from './kube/object.ts'
import type { Connection } from './reads/connected.ts'

/** Lists, once, what a cluster holds. Only reads. */
export async function snapshotCluster(
  { use }: Connection,
  { namespace, kinds = [bindingResource, ...optionalResources], inParts = false }: Scope = {},
): Promise<ClusterSnapshot> {
  return use<ClusterSnapshot>(
    async (client) => {
      const resources = [bindingResource, ...optionalResources]
      const answers = await Promise.all(resources.map((resource) => isServed(client, resource)))
      const served: readonly Resource[] = resources.filter((_, index) => answers[index])
      const manifests: Manifest[] = []
      const unseen: Unseen[] = []
      for (const resource of served) {
        if (!kinds.includes(resource)) continue
        const refused = await listAll(client, resource, namespace, (one) => manifests.push(one))
        if (!refused) continue
        const why = `listing ${crdName(resource)}: ${failureWords(refused)}`
        const isMissed = inParts && resource !== bindingResource && isForbidden(refused)
        if (!isMissed) return { kind: 'problem', problem: why, forbidden: isForbidden(refused) }
        unseen.push({ resource, why })
      }
      return { kind: 'snapshot', served, manifests, unseen }
    },
    (problem) => ({ kind: 'problem', problem }),
  )
}

/** Who may not read CustomResourceDefinitions may still see which kinds the API server serves. */
async function isServed(client: Client, resource: Resource): Promise<boolean> {
  const name = crdName(resource)
  const answer = await client.call({ method: 'GET', path: resourcePath(definitionResource, { name }) })
  if (isAbsent(answer)) return false
  if (isForbidden(answer)) return isDiscovered(client, resource)
  if (answer.kind !== 'ok')
    throw new Error(`reading CustomResourceDefinition ${name}: ${failureWords(answer)}`)
  const definition = decodeObject(answer.body)
  return definition !== undefined && serves(definition, resource.version)
}

async function isDiscovered(client: Client, { group, version, plural }: Resource): Promise<boolean> {
  const answer = await client.call({ method: 'GET', path: `/apis/${group}/${version}` })
  if (answer.kind === 'refused' && answer.code === 404) return false
  if (answer.kind !== 'ok') throw new Error(`discovering ${group}/${version}: ${failureWords(answer)}`)
  const { resources } = objectOr(answer.body)
  return Array.isArray(resources) && resources.some((one) => field(objectOr(one), 'name') === plural)
}

const isForbidden = (answer: Answer): boolean => answer.kind === 'refused' && answer.code === 403

async function listAll(
  client: Client,
  resource: Resource,
  namespace: string | undefined,
  take: (manifest: Manifest) => void,
): Promise<Refused | Lost | undefined> {
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
  return listed.kind === 'complete' ? undefined : listed
}
