import { vi } from 'vitest'
import type { Resource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import {
  type KubectlOptions,
  type KubectlResult,
  runKubectl,
} from '../../support/controlplane/run-kubectl.ts'
import { type ControlPlane, startControlPlane } from '../../support/controlplane/start.ts'
import { createClient, type Client, type Reply } from '../../support/embedded/client.ts'
import { listOf, recordOf, type Json } from '../../support/embedded/json.ts'
import { controlPlane } from '../../support/real.ts'

type Place = { readonly namespace?: string | undefined; readonly name: string }

/** A control plane that one test file has for itself. It is asked as an admin, without the operator's own client. */
export type Cluster = {
  readonly plane: ControlPlane
  readonly client: Client
  readonly kubectl: (args: readonly string[], options?: KubectlOptions) => Promise<KubectlResult>
  /** Undefined where there is no such object, or no such kind. */
  readonly find: (resource: Resource, at: Place) => Promise<Json | undefined>
  readonly list: (resource: Resource, namespace?: string) => Promise<readonly Json[]>
  readonly create: (resource: Resource, object: Json) => Promise<Json>
  readonly stop: () => Promise<void>
}

/** @param extraArgs further flags of kube-apiserver */
export async function startCluster(extraArgs: readonly string[] = []): Promise<Cluster> {
  const plane = await startControlPlane(controlPlane().binaries, { extraArgs })
  const client = createClient({ server: plane.server, caPem: plane.caPem, token: plane.adminToken })
  return {
    plane,
    client,
    kubectl: (args, options) => runKubectl(plane, args, options),
    find: async (resource, at) => {
      const reply = await client.get(resourcePath(resource, at))
      return reply.code === 404 ? undefined : bodyOf(reply, `reading ${resource.kind} ${at.name}`)
    },
    list: async (resource, namespace) => {
      const reply = await client.get(resourcePath(resource, { namespace }))
      if (reply.code === 404) return []
      return listOf(bodyOf(reply, `listing ${resource.plural}`)['items']).map(recordOf)
    },
    create: async (resource, object) => {
      const { name, namespace } = metaOf(object)
      const at = typeof namespace === 'string' ? { namespace } : {}
      return bodyOf(
        await client.post(resourcePath(resource, at), object),
        `creating ${resource.kind} ${String(name)}`,
      )
    },
    stop: async () => {
      await client.close()
      await plane.stop()
    },
  }
}

export const metaOf = (object: Json): Json => recordOf(object['metadata'])

export function bodyOf({ code, body }: Reply, doing: string): Json {
  if (code >= 400) throw new Error(`${doing}: ${code} ${JSON.stringify(body)}`)
  return body
}

/** How long a test waits for what takes a real cluster a moment. */
export const patience = { timeout: 20_000, interval: 25 }

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const check = async (): Promise<void> => {
    if (!(await holds())) throw new Error(`still waiting until ${what}`)
  }
  await vi.waitFor(check, patience)
}

export async function createNamespace({ client }: Cluster, name: string): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
  const reply = await client.post('/api/v1/namespaces', namespace)
  if (reply.code !== 409) bodyOf(reply, `creating namespace ${name}`)
}
