import { setTimeout as sleep } from 'node:timers/promises'
import { definitionResource, crdName, gvk, allResources, type Resource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { createClient, type Client, type Endpoint, type Reply } from './embedded/client.ts'
import { listOf, recordOf, textOf, type Json } from './embedded/json.ts'
import { startEmbedded, type Embedded, type EmbeddedOptions } from './embedded/server.ts'
import { permissive } from './permissive.ts'
import { resourceOf, type Manifest } from './vectors.ts'

export type Place = { readonly namespace?: string | undefined; readonly name: string }

/** A cluster as those see it who are not the operator. Whatever they write is answered with what was stored. */
export type Admin = {
  readonly client: Client
  /** Undefined where there is no such object, or no such kind. */
  readonly find: (resource: Resource, at: Place) => Promise<Json | undefined>
  /** Empty where there is no such kind. */
  readonly list: (resource: Resource) => Promise<readonly Json[]>
  /** Creates the object, or puts its spec in the place of the one that is there. */
  readonly put: (manifest: Manifest) => Promise<Json>
  readonly patch: (resource: Resource, at: Place, patch: Json) => Promise<Json>
  /** Says whether there was one. */
  readonly remove: (resource: Resource, at: Place) => Promise<boolean>
  /** Has a kind served, by a CustomResourceDefinition that takes anything. */
  readonly serve: (resource: Resource) => Promise<void>
  readonly unserve: (resource: Resource) => Promise<void>
}

export const metaOf = (object: Json): Json => recordOf(object['metadata'])

export const placeOf = (object: Json): Place => {
  const { namespace, name } = metaOf(object)
  return { name: textOf(name), ...(typeof namespace === 'string' && { namespace }) }
}

export const uidOf = (object: Json): string => textOf(metaOf(object)['uid'])

export const versionOf = (object: Json): number => Number(metaOf(object)['resourceVersion'])

function bodyOf({ code, body }: Reply, doing: string): Json {
  if (code >= 400) throw new Error(`${doing}: ${code} ${textOf(body['message'])}`)
  return body
}

/** A manifest without the metadata that the API server decides itself. */
function sent({ metadata, ...rest }: Manifest): Json {
  const { uid: _, generation: _generation, ...kept } = metadata
  return { ...rest, metadata: kept }
}

export function createAdmin(endpoint: Endpoint): Admin {
  const client = createClient(endpoint)
  const find: Admin['find'] = async (resource, at) => {
    const reply = await client.get(resourcePath(resource, at))
    return reply.code === 404 ? undefined : bodyOf(reply, `reading ${gvk(resource)} ${at.name}`)
  }
  const put: Admin['put'] = async (manifest) => {
    const resource = resourceOf(manifest)
    const { namespace, name } = manifest.metadata
    const created = await client.post(resourcePath(resource, { namespace }), sent(manifest))
    if (created.code !== 409) return bodyOf(created, `creating ${gvk(resource)} ${name}`)
    const path = resourcePath(resource, { namespace, name })
    // The operator writes too, so the object is replaced at whatever version it has by then.
    const replaced = await client.patch(path, [{ op: 'replace', path: '/spec', value: manifest.spec }])
    return bodyOf(replaced, `replacing the spec of ${gvk(resource)} ${name}`)
  }
  return {
    client,
    find,
    list: async (resource) => {
      let reply = await client.get(resourcePath(resource))
      // After a change of a CRD the API server answers so until its watch cache is filled again (kube-apiserver 1.37).
      for (; reply.code === 429; reply = await client.get(resourcePath(resource))) await sleep(100)
      if (reply.code === 404) return []
      return listOf(bodyOf(reply, `listing ${gvk(resource)}`)['items']).map(recordOf)
    },
    put,
    patch: async (resource, at, patch) =>
      bodyOf(await client.patch(resourcePath(resource, at), patch), `patching ${gvk(resource)} ${at.name}`),
    remove: async (resource, at) => {
      const reply = await client.delete(resourcePath(resource, at))
      if (reply.code === 404) return false
      bodyOf(reply, `deleting ${gvk(resource)} ${at.name}`)
      return true
    },
    serve: async (resource) => {
      const reply = await client.post(resourcePath(definitionResource), permissive(resource))
      bodyOf(reply, `serving ${gvk(resource)}`)
    },
    unserve: async (resource) => {
      const path = resourcePath(definitionResource, { name: crdName(resource) })
      bodyOf(await client.delete(path), `no longer serving ${gvk(resource)}`)
    },
  }
}

export type World = Admin & AsyncDisposable & { readonly api: Embedded }

/** An API server in memory, in which everything is served unless it is said what is. */
export async function startWorld({
  served = allResources,
  ...options
}: EmbeddedOptions & { readonly served?: readonly Resource[] } = {}): Promise<World> {
  const api = await startEmbedded({ bookmarkEveryMs: 50, ...options })
  const admin = createAdmin(api)
  await Promise.all(served.map((resource) => admin.serve(resource)))
  return {
    ...admin,
    api,
    [Symbol.asyncDispose]: async () => {
      await admin.client.close()
      await api.stop()
    },
  }
}
