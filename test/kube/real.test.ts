import { expect, onTestFinished, test } from 'vitest'
import { poolResources } from '../../src/core/resources.ts'
import { type Client, type ClientOptions, createClient, resourcePath } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { watchKinds } from '../../src/kube/discovery.ts'
import { campaign } from '../../src/kube/lease.ts'
import { listPages } from '../../src/kube/listing.ts'
import { type Handler, Reflector } from '../../src/kube/reflector.ts'
import { recordOf } from '../support/embedded/json.ts'
import { controlPlane, describeReal, freshNamespace } from '../support/real.ts'
import { soon } from './scripted.ts'

const configMaps = { group: '', version: 'v1', plural: 'configmaps' }
const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }
const crds = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' }

function connect(onAnswer: ClientOptions['onAnswer'] = () => {}): Client {
  const client = createClient(loadKubeConfig({ kubeconfig: controlPlane().kubeconfig }), { onAnswer })
  onTestFinished(() => client.close())
  return client
}

async function create(client: Client, namespace: string, name: string) {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { ours: 'yes' } } }
  const answer = await client.call({ method: 'POST', path: resourcePath(configMaps, { namespace }), body })
  expect(answer).toMatchObject({ kind: 'ok', code: 201 })
}

const recorder = (told: string[]): Handler => ({
  upserted: ({ metadata }) => void told.push(metadata.name),
  removed: ({ name }) => void told.push(`-${name}`),
  synced: () => void told.push('synced'),
})

const thingsCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.absent.example.com' },
  spec: {
    group: 'absent.example.com',
    scope: 'Namespaced',
    names: { kind: 'Thing', plural: 'things' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
}

describeReal('against a real API server', () => {
  test('a reflector reads all pages, follows changes, and goes on from where its watch was ended', async () => {
    let watches = 0
    const client = connect((method) => {
      if (method === 'WATCH') watches += 1
    })
    const namespace = await freshNamespace('reflector')
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(client, namespace, name)
    const told: string[] = []
    const reflector = new Reflector({
      client,
      resource: configMaps,
      namespace,
      labelSelector: 'ours=yes',
      handler: recorder(told),
      timings: { pageSize: 2, watchSeconds: { from: 1, to: 1 } },
    })
    onTestFinished(() => reflector.stop())
    reflector.start()
    await expect.poll(() => told, soon).toEqual(['a', 'b', 'c', 'd', 'e', 'synced'])
    await create(client, namespace, 'f')
    await client.call({ method: 'DELETE', path: resourcePath(configMaps, { namespace, name: 'a' }) })
    await expect.poll(() => told.slice(6), soon).toEqual(['f', '-a'])
    const before = watches
    await expect.poll(() => watches, soon).toBeGreaterThan(before + 1)
    await create(client, namespace, 'g')
    await expect.poll(() => told.slice(6), soon).toEqual(['f', '-a', 'g'])
    expect(reflector.restarts).toBe(0)
  })

  test('a list is of metadata alone where no more is asked for', async () => {
    const client = connect()
    const namespace = await freshNamespace('metadata')
    for (const name of ['a', 'b']) await create(client, namespace, name)
    const list = async (labelSelector: string): Promise<readonly unknown[]> => {
      const taken: unknown[] = []
      const listed = await listPages({
        client,
        path: resourcePath(configMaps, { namespace }),
        query: { labelSelector },
        pageSize: 1,
        signal: new AbortController().signal,
        take: (item) => void taken.push(item),
        metadataOnly: true,
      })
      expect(listed.kind).toBe('complete')
      return taken
    }
    const uid = expect.stringMatching(/^[0-9a-f-]{36}$/)
    const resourceVersion = expect.stringMatching(/^[0-9]+$/)
    const metadata = ['a', 'b'].map((name) => ({ metadata: { name, namespace, uid, resourceVersion } }))
    expect(await list('ours=yes')).toEqual(metadata)
    expect(await list('ours=no')).toEqual([])
  })

  test('a list tells how much of it is left, and ends where no more is wanted', async () => {
    const client = connect()
    const namespace = await freshNamespace('left')
    for (const name of ['a', 'b', 'c']) await create(client, namespace, name)
    for (const metadataOnly of [true, false]) {
      const names: unknown[] = []
      const lefts: unknown[] = []
      const listed = await listPages({
        client,
        path: resourcePath(configMaps, { namespace }),
        query: {},
        pageSize: 1,
        signal: new AbortController().signal,
        take: (item) => void names.push(recordOf(recordOf(item)['metadata'])['name']),
        wantsMore: (left) => lefts.push(left) < 2,
        metadataOnly,
      })
      expect({ kind: listed.kind, names, lefts }).toEqual({
        kind: 'complete',
        names: ['a', 'b'],
        lefts: [2, 1],
      })
    }
  })

  test('a Lease is taken, renewed and given back, and then taken by another', async () => {
    const client = connect()
    const namespace = await freshNamespace('lease')
    const path = resourcePath(leases, { namespace, name: 'leader' })
    const stand = (identity: string) =>
      campaign({ client, namespace, name: 'leader', identity, onStartedLeading() {}, onStoppedLeading() {} })
    const me = stand('me')
    await expect.poll(me.isLeading, soon).toBe(true)
    const they = stand('they')
    await expect.poll(() => they.holder, soon).toBe('me')
    const taken = await client.call({ method: 'GET', path })
    await expect.poll(() => client.call({ method: 'GET', path }), soon).not.toEqual(taken)
    await me.stop(Promise.resolve())
    await expect.poll(they.isLeading, soon).toBe(true)
    expect(await client.call({ method: 'GET', path })).toMatchObject({
      body: { spec: { holderIdentity: 'they', leaseDurationSeconds: 15, leaseTransitions: 1 } },
    })
    await they.stop(Promise.resolve())
  })

  test('kinds are known to be served or not', async () => {
    const client = connect()
    const absent = {
      group: 'absent.example.com',
      version: 'v1',
      kind: 'Thing',
      plural: 'things',
      namespaced: true,
    }
    const told = new Map<string, boolean>()
    const kinds = watchKinds({
      client,
      resources: [...poolResources, absent],
      changed: (resource, served) => void told.set(resource.group, served),
    })
    onTestFinished(() => kinds.stop())
    kinds.start()
    await expect.poll(() => kinds.synced, soon).toBe(true)
    expect(Object.fromEntries(told)).toEqual({
      'inference.networking.k8s.io': true,
      'inference.networking.x-k8s.io': true,
      'absent.example.com': false,
    })
    expect(await client.call({ method: 'POST', path: resourcePath(crds), body: thingsCrd })).toMatchObject({
      code: 201,
    })
    await expect.poll(() => told.get('absent.example.com'), soon).toBe(true)
    await client.call({ method: 'DELETE', path: resourcePath(crds, { name: thingsCrd.metadata.name }) })
    await expect.poll(() => told.get('absent.example.com'), soon).toBe(false)
  })
})
