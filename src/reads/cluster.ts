import type { ClusterSnapshot, Scope, Unseen } from '../cli/cluster.ts'
import type { Manifest } from '../cli/manifests.ts'
import { objectOr, textOr, type JsonObject } from '../core/json.ts'
import {
  allResources,
  bindingResource,
  crdName,
  definitionResource,
  type Resource,
} from '../core/resources.ts'
import { isAbsent } from '../kube/answer.ts'
import {
  failureWords,
  resourcePath,
  type Answer,
  type Client,
  type Lost,
  type Refused,
} from '../kube/client.ts'
import { otherVersions, serves } from '../kube/definition.ts'
import { listPages } from '../kube/listing.ts'
import { decodeObject, type KubeObject } from '../kube/object.ts'
import type { Connection } from './connected.ts'
import type { Followed } from './followed.ts'
import { readOnce, schemasOf } from './schemas.ts'

/** Lists what a cluster holds, or takes it from what is followed. Only reads. */
export async function snapshotCluster(
  { use }: Connection,
  { namespace, kinds = allResources, inParts = false, schemas: schemasOfKinds = [] }: Scope = {},
  following?: Followed,
): Promise<ClusterSnapshot> {
  return use<ClusterSnapshot>(
    async (client, unlimited) => {
      const found = await Promise.all(
        allResources.map(async (resource): Promise<FoundKind> => {
          const definition = schemasOfKinds.includes(resource) ? undefined : following?.definition(resource)
          // Only a live read shows that a kind is not served.
          if (definition && serves(definition, resource.version)) return { resource, isServed: true }
          const read = await lookFor(client, resource)
          if (read.definition) following?.beginDefinition(unlimited, resource)
          return read
        }),
      )
      const there = found.filter((one) => one.isServed)
      const served: readonly Resource[] = there.map(({ resource }) => resource)
      const manifests: Manifest[] = []
      const unseen: Unseen[] = []
      for (const resource of served) {
        if (!kinds.includes(resource)) continue
        const at = resource.namespaced ? namespace : undefined
        const take = (object: KubeObject): void => void manifests.push(manifestOf(resource, object))
        const known = following?.objects(resource, at)
        if (known) {
          known.forEach(take)
          continue
        }
        const refused = await listAll(client, resource, at, take)
        if (!refused) {
          following?.begin(unlimited, resource, at)
          continue
        }
        const why = `listing ${crdName(resource)}: ${failureWords(refused)}`
        const isMissed = inParts && resource !== bindingResource && isForbidden(refused)
        if (!isMissed) return { kind: 'problem', problem: why, forbidden: isForbidden(refused) }
        unseen.push({ resource, why })
      }
      const asked = there.filter(({ resource }) => schemasOfKinds.includes(resource))
      const schemas = asked.length > 0 ? await readSchemas(client, asked) : undefined
      const unread = found.flatMap(({ resource, versions }) => (versions ? [{ resource, versions }] : []))
      return { kind: 'snapshot', served, unread, manifests, unseen, ...(schemas && { schemas }) }
    },
    (problem) => ({ kind: 'problem', problem }),
  )
}

type FoundKind = {
  readonly resource: Resource
  readonly isServed: boolean
  /** The versions that are served, if the kind is unread. */
  readonly versions?: readonly string[] | undefined
  /** The kind's CustomResourceDefinition, if it may be read. */
  readonly definition?: JsonObject
}

/** Who may not read CustomResourceDefinitions may still see which kinds the API server serves. */
async function lookFor(client: Client, resource: Resource): Promise<FoundKind> {
  const name = crdName(resource)
  const answer = await client.call({ method: 'GET', path: resourcePath(definitionResource, { name }) })
  if (isAbsent(answer)) return { resource, isServed: false }
  if (isForbidden(answer)) return discover(client, resource)
  if (answer.kind !== 'ok')
    throw new Error(`reading CustomResourceDefinition ${name}: ${failureWords(answer)}`)
  const definition = decodeObject(answer.body)
  return {
    resource,
    isServed: definition !== undefined && serves(definition, resource.version),
    versions: definition && otherVersions(definition, resource.version),
    definition: objectOr(answer.body),
  }
}

async function readSchemas(
  client: Client,
  there: readonly FoundKind[],
): Promise<NonNullable<Extract<ClusterSnapshot, { kind: 'snapshot' }>['schemas']>> {
  const read = readOnce(client)
  const seen = await Promise.all(
    there.map(async ({ resource, definition }) => schemasOf(resource, definition, read)),
  )
  return {
    definitions: seen.flatMap((one) => (one.kind === 'seen' ? one.definitions : [])),
    unseen: seen.flatMap((one) => (one.kind === 'unseen' ? [one.why] : [])),
  }
}

async function discover(client: Client, resource: Resource): Promise<FoundKind> {
  const { group, version, plural } = resource
  const isIn = async (one: string): Promise<boolean> => {
    const found = await discovered(client, `${group}/${one}`, 'resources')
    return found.some(({ name }) => name === plural)
  }
  if (await isIn(version)) return { resource, isServed: true }
  const versions: string[] = []
  for (const one of await discovered(client, group, 'versions')) {
    const other = textOr(one['version'], version)
    if (other !== version && (await isIn(other))) versions.push(other)
  }
  return { resource, isServed: false, ...(versions.length > 0 && { versions }) }
}

/** A list that discovery answers with; empty where there is no such group or version. */
async function discovered(
  client: Client,
  what: string,
  list: 'resources' | 'versions',
): Promise<readonly JsonObject[]> {
  const answer = await client.call({ method: 'GET', path: `/apis/${what}` })
  if (answer.kind === 'refused' && answer.code === 404) return []
  if (answer.kind !== 'ok') throw new Error(`discovering ${what}: ${failureWords(answer)}`)
  const found = objectOr(answer.body)[list]
  return Array.isArray(found) ? found.map(objectOr) : []
}

const isForbidden = (answer: Answer): boolean => answer.kind === 'refused' && answer.code === 403

async function listAll(
  client: Client,
  resource: Resource,
  namespace: string | undefined,
  take: (object: KubeObject) => void,
): Promise<Refused | Lost | undefined> {
  const listed = await listPages({
    client,
    path: resourcePath(resource, { namespace }),
    query: {},
    pageSize: 500,
    signal: AbortSignal.timeout(60_000),
    take: (item) => {
      const object = decodeObject(item)
      if (object) take(object)
    },
  })
  return listed.kind === 'complete' ? undefined : listed
}

const manifestOf = (resource: Resource, object: KubeObject): Manifest => {
  const { namespace = '', name } = object.metadata
  return { resource, object, namespace, name }
}
