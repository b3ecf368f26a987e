import type { JsonObject } from '../../src/core/json.ts'
import type { Objects } from '../../src/core/objects.ts'
import type { Resource } from '../../src/core/resources.ts'
import { createClient, type Client } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { createObjects } from '../../src/kube/objects.ts'
import { installDefinitions } from '../demo/cluster.ts'
import { controlPlaneTools } from '../support/controlplane/binaries.ts'
import { startControlPlane } from '../support/controlplane/start.ts'
import { createClient as createPlainClient, type Endpoint } from '../support/embedded/client.ts'
import { startEmbedded } from '../support/embedded/server.ts'
import { locateOrBuild } from '../support/go-tools/build.ts'
import { binding, referencesOf, resourceOf, type Manifest } from './manifests.ts'
import { inFlight, range } from './waiting.ts'

/** How many requests at once: as many as the operator has workers. */
export const width = 32

/** An API server with the CRDs installed, and the operator's own client to it. */
export type Cluster = AsyncDisposable &
  Endpoint & {
    readonly kubeconfig: string
    readonly client: Client
    readonly objects: Objects
    /** The directory that the command lines of a real API server's processes name; undefined for one in memory. */
    readonly directory: string | undefined
  }

export async function startEmbeddedCluster(): Promise<Cluster> {
  return equipped({ ...(await startEmbedded()), directory: undefined })
}

export async function startRealCluster(): Promise<Cluster> {
  const outcome = await locateOrBuild(controlPlaneTools, process.env, (line) =>
    process.stderr.write(`${line}\n`),
  )
  if (outcome.kind === 'missing') throw new Error(outcome.remedy)
  const plane = await startControlPlane(outcome.binaries)
  return equipped({ ...plane, token: plane.adminToken })
}

type Started = Endpoint & {
  readonly kubeconfig: string
  readonly directory: string | undefined
  readonly stop: () => Promise<void>
}

async function equipped({ stop, ...started }: Started): Promise<Cluster> {
  await using undo = new AsyncDisposableStack()
  undo.defer(stop)
  const plain = createPlainClient(started)
  await installDefinitions(plain)
  await plain.close()
  const client = createClient(loadKubeConfig({ kubeconfig: started.kubeconfig }))
  undo.defer(() => client.close())
  const running = undo.move()
  return {
    ...started,
    client,
    objects: createObjects(client),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const namespaceResource: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
}

export async function createNamespace(
  { objects }: Pick<Cluster, 'objects'>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const reply = await objects.create(namespaceResource, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  })
  if (reply.kind !== 'done') throw new Error(`creating namespace ${name}: ${JSON.stringify(reply)}`)
  return name
}

/** Resolves to what the API server stored. */
export async function create({ objects }: Pick<Cluster, 'objects'>, manifest: Manifest): Promise<JsonObject> {
  const reply = await objects.create(resourceOf(manifest), manifest)
  if (reply.kind !== 'done')
    throw new Error(`creating ${manifest.kind} ${manifest.metadata.name}: ${JSON.stringify(reply)}`)
  return reply.object
}

export const createAll = (cluster: Cluster, manifests: Iterable<Manifest>): Promise<void> =>
  inFlight(width, manifests, (manifest) => create(cluster, manifest))

/** Creates so many bindings, and before each of them its pool and its objective. */
export async function populate(
  cluster: Cluster,
  size: number,
  namespaceOf: (index: number) => string,
  from: number = 0,
): Promise<void> {
  const indexes = range(size, from)
  const namespaces = new Set(indexes.map(namespaceOf))
  await inFlight(width, namespaces, (namespace) => createNamespace(cluster, namespace))
  await createAll(
    cluster,
    indexes.flatMap((index) => referencesOf(namespaceOf(index), 1, index)),
  )
  await createAll(
    cluster,
    indexes.map((index) => binding(namespaceOf(index), index)),
  )
}
