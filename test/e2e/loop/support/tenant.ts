import { randomBytes } from 'node:crypto'
import { expect, vi } from 'vitest'
import { bindingResource, clusterSpiffeIdResource } from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import { listOf, recordOf, textOf, type Json } from '../../../support/embedded/json.ts'
import { podObject, type PodOptions } from '../../../support/pods.ts'
import { resourceOf, type Manifest } from '../../../support/vectors.ts'
import { bodyOf, createNamespace, metaOf, type Cluster } from '../../support/cluster.ts'
import { outputsOf } from '../../support/scene.ts'
import { settledConditions, settledRendering, show, type Shown } from '../../support/settled.ts'

type Named = Pick<Manifest, 'apiVersion' | 'kind' | 'metadata'>

/** A namespace that nobody else uses, and what a test does in it. Manifests are taken into it. */
export type Tenant = {
  readonly namespace: string
  readonly has: (...manifests: readonly Manifest[]) => Promise<void>
  /** As SPIRE Controller Manager writes what it made of the only output of a binding. */
  readonly processed: (name: string, stats: Json) => Promise<void>
  /** A pod that nothing runs. */
  readonly hasPod: (pod: PodOptions) => Promise<void>
  readonly changes: (manifest: Named, patch: Json) => Promise<Json>
  readonly loses: (...manifests: readonly Named[]) => Promise<void>
  readonly find: (manifest: Named) => Promise<Json | undefined>
  /** Waits until each binding, by name, shows `Condition/Reason`, and all else that goes with it. */
  readonly settles: (expected: Readonly<Record<string, string>>) => Promise<void>
  readonly isGone: (manifest: Named) => Promise<void>
  readonly outputs: (name: string) => Promise<readonly Json[]>
  /** The only one; it is a failure that there is none, or another one. */
  readonly output: (name: string) => Promise<Json>
  /** The spec of the only one, empty while there is none. */
  readonly outputSpec: (name: string) => Promise<Json>
  /** The message of Ready. */
  readonly message: (name: string) => Promise<string>
  /** The reasons of the events on a binding, in the order in which they were stored. */
  readonly events: (name: string) => Promise<readonly string[]>
}

export async function newTenant(cluster: Cluster, prefix = 'loop'): Promise<Tenant> {
  const namespace = `${prefix}-${randomBytes(3).toString('hex')}`
  await createNamespace(cluster, namespace)
  return tenantOf(cluster, namespace)
}

export function tenantOf(cluster: Cluster, namespace: string): Tenant {
  const taken = <M extends Named>(manifest: M): M =>
    resourceOf(manifest).namespaced
      ? { ...manifest, metadata: { ...manifest.metadata, namespace } }
      : manifest
  const pathOf = (manifest: Named): string => resourcePath(resourceOf(manifest), taken(manifest).metadata)
  const find: Tenant['find'] = (manifest) => cluster.find(resourceOf(manifest), taken(manifest).metadata)
  const outputs: Tenant['outputs'] = (name) => outputsOf(cluster, bindingNamed(namespace, name))
  const output: Tenant['output'] = async (name) => {
    const [one, ...more] = await outputs(name)
    if (!one || more.length > 0) throw new Error(`${name} has ${one ? 'several outputs' : 'none'}`)
    return one
  }
  const shown = (name: string): Promise<Shown> => show(cluster, bindingNamed(namespace, name))
  return {
    namespace,
    has: async (...manifests) => {
      for (const manifest of manifests) await cluster.create(resourceOf(manifest), taken(manifest))
    },
    hasPod: async (pod) => void (await cluster.create(podResource, podObject({ ...pod, namespace }))),
    changes: async (manifest, patch) =>
      bodyOf(await cluster.client.patch(pathOf(manifest), patch), `changing ${manifest.metadata.name}`),
    loses: async (...manifests) => {
      for (const manifest of manifests)
        bodyOf(await cluster.client.delete(pathOf(manifest)), `deleting ${manifest.metadata.name}`)
    },
    find,
    settles: async (expected) => {
      const settling = Object.entries(expected).map(([name, outcome]) =>
        eventually(async () => settledAs(outcome, await shown(name))),
      )
      await Promise.all(settling)
    },
    isGone: (manifest) =>
      eventually(async () => {
        expect(await find(manifest)).toBeUndefined()
      }),
    outputs,
    output,
    processed: async (name, stats) => {
      const at = { name: textOf(metaOf(await output(name))['name']), subresource: 'status' }
      const path = resourcePath(clusterSpiffeIdResource, at)
      const status = { stats: { namespacesSelected: 1, ...stats } }
      bodyOf(await cluster.client.patch(path, { status }), `processing the output of ${name}`)
    },
    outputSpec: async (name) => recordOf((await outputs(name))[0]?.['spec']),
    message: async (name) => textOf((await shown(name)).settled['message']),
    events: async (name) => (await eventsOn(cluster, namespace, name)).map(({ reason }) => textOf(reason)),
  }
}

const podResource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }

const bindingNamed = (namespace: string, name: string): Manifest => ({
  apiVersion: `${bindingResource.group}/${bindingResource.version}`,
  kind: bindingResource.kind,
  metadata: { namespace, name },
})

/** Many tests wait at once, so asking the API server more often would slow all of them down. */
const patience = { timeout: 20_000, interval: 75 }

/** Waits for an assertion about something that a settled status does not show by itself. */
export const eventually = (assertion: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(assertion, patience)

/** Expects an outcome: an output exactly when the binding is Ready, except that a refused write leaves what is there. */
function settledAs(outcome: string, shown: Shown): void {
  const { condition, reason } = shown.settled
  expect(`${String(condition)}/${String(reason)}`).toBe(outcome)
  expect(shown.conditions).toMatchObject(settledConditions(shown))
  expect(shown.observedGeneration).toBe(shown.generation)
  if (reason === 'ManagedOutputApplyFailed') return
  expect(shown.outputs).toHaveLength(outcome === 'Ready/Reconciled' ? 1 : 0)
  expect(shown.rendered).toEqual(settledRendering(shown))
}

const eventResource = { group: 'events.k8s.io', version: 'v1', plural: 'events' }

export async function eventsOn(cluster: Cluster, namespace: string, name: string): Promise<readonly Json[]> {
  const reply = await cluster.client.get(resourcePath(eventResource, { namespace }))
  return listOf(bodyOf(reply, 'listing events')['items'])
    .map(recordOf)
    .filter((event) => recordOf(event['regarding'])['name'] === name)
    .toSorted((a, b) => versionOf(a) - versionOf(b))
}

/** etcd's revision: the order of all writes, whatever their kind. */
export const versionOf = (object: Json): number => Number(metaOf(object)['resourceVersion'])
