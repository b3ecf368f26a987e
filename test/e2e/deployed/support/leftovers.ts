import { listOf, recordOf, textOf, textsOf, type Json } from '../../../support/embedded/json.ts'
import { bodyOf, metaOf, until, type Cluster } from '../../support/cluster.ts'

/** Where a kind's objects are: `/api/v1/pods`, `/apis/apps/v1/namespaces/x/deployments` */
type Kind = {
  readonly name: string
  readonly path: (namespace?: string) => string
  readonly verbs: readonly string[]
}

/**
 * Everything in the cluster, as `Kind namespace/name`, with its resourceVersion; without events, which expire by
 * themselves.
 */
export async function everything(cluster: Cluster): Promise<ReadonlyMap<string, string>> {
  const kinds = await kindsOf(cluster, ['Cluster', 'Namespaced'])
  const lists = await Promise.all(kinds.map((kind) => objectsOf(cluster, kind)))
  return new Map(lists.flat())
}

async function objectsOf(
  { client }: Cluster,
  { name, path }: Kind,
  within?: string,
): Promise<readonly (readonly [string, string])[]> {
  let reply = await client.get(path(within))
  // A kind that was installed a moment ago can't be listed at once, because its storage is not ready.
  await until(`${name} can be listed`, async () => {
    if (reply.code === 429) reply = await client.get(path(within))
    return reply.code !== 429
  })
  // A kind may go between being discovered and being listed.
  if (reply.code === 404) return []
  return listOf(bodyOf(reply, `listing ${name}`)['items']).map((item) => {
    const { namespace, name: its, resourceVersion } = metaOf(recordOf(item))
    return [`${name} ${textOf(namespace)}/${textOf(its)}`, textOf(resourceVersion)] as const
  })
}

const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }

/** Every kind that can be listed, in one version. */
async function kindsOf({ client }: Cluster, scopes: readonly string[]): Promise<readonly Kind[]> {
  const found = await Promise.all(
    ['/api', '/apis'].map(async (root) => {
      const reply = await client.get(root, aggregated)
      return listOf(bodyOf(reply, 'discovery')['items'])
        .map(recordOf)
        .flatMap((group) => kindsIn(root, group))
    }),
  )
  return found
    .flat()
    .filter(({ resource }) => scopes.includes(textOf(resource['scope'])) && resource['resource'] !== 'events')
    .map(({ base, resource }) => ({
      name: textOf(recordOf(resource['responseKind'])['kind']),
      path: (namespace?: string) =>
        [base, ...(namespace === undefined ? [] : ['namespaces', namespace]), resource['resource']].join('/'),
      verbs: textsOf(resource['verbs']),
    }))
    .filter(({ verbs }) => verbs.includes('list'))
}

function kindsIn(root: string, group: Json) {
  const version = recordOf(listOf(group['versions'])[0])
  const { name } = metaOf(group)
  const base = [root, ...(typeof name === 'string' && name !== '' ? [name] : []), version['version']].join(
    '/',
  )
  return listOf(version['resources']).map((resource) => ({ base, resource: recordOf(resource) }))
}

/**
 * What the namespace controller does, which is not here, with a namespace that is being deleted: deletes all that is
 * in it, and lets it go once nothing is left.
 */
export async function finishNamespace(cluster: Cluster, namespace: string): Promise<void> {
  const kinds = await kindsOf(cluster, ['Namespaced'])
  await Promise.all(
    kinds
      .filter(({ verbs }) => verbs.includes('deletecollection'))
      .map(({ path }) => cluster.client.delete(path(namespace))),
  )
  await until(`nothing is left in ${namespace}`, async () => {
    const left = await Promise.all(kinds.map((kind) => objectsOf(cluster, kind, namespace)))
    return left.flat().length === 0
  })
  const finalized = await cluster.client.put(`/api/v1/namespaces/${namespace}/finalize`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
    spec: { finalizers: [] },
  })
  bodyOf(finalized, `letting go of ${namespace}`)
}
