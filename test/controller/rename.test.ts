import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { replacesAnnotation } from '../../src/core/binding.ts'
import { readyIn } from '../../src/core/conditions.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { recordOf, textOf, type Json } from '../support/embedded/json.ts'
import type { Match } from '../support/fault-proxy/faults.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy/proxy.ts'
import { startLoop, type Loop } from '../support/loop.ts'
import type { Manifest } from '../support/vectors.ts'
import { metaOf, startWorld, type World } from '../support/world.ts'
import { History } from './support/history.ts'

const patience = { timeout: 20_000, interval: 10 }

const newcomer = (spec: Manifest['spec'] = {}): Manifest =>
  binding({
    name: 'new',
    metadata: { annotations: { [replacesAnnotation]: 'chat' } },
    spec: recordOf(spec),
  })

const at = (name: string) => ({ namespace: 'default', name })

describe('a binding that replaces another', () => {
  let world: World
  let proxy: FaultProxy
  let history: History
  let loop: Loop
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await startWorld())
    for (const one of [pool(), objective(), objective({ name: 'other' })]) await world.put(one)
    proxy = await startFaultProxy(world.api)
    stack.defer(() => proxy.stop())
    history = stack.use(new History(world.client))
    loop = startLoop({ kubeconfig: await proxy.kubeconfig(world.api.token) })
    stack.defer(() => loop.stop())
    await loop.synced
    await world.put(binding())
    await isReady('chat')
    await history.follow(clusterSpiffeIdResource)
  })
  afterEach(() => stack.disposeAsync())

  const statusOf = async (name: string): Promise<Json> =>
    recordOf((await world.find(bindingResource, at(name)))?.['status'])
  const isReady = (name: string): Promise<boolean> =>
    vi.waitUntil(async () => readyIn(await statusOf(name))?.status === 'True', patience)
  const isGone = (name: string): Promise<boolean> =>
    vi.waitUntil(async () => (await world.find(bindingResource, at(name))) === undefined, patience)

  /** How many ClusterSPIFFEIDs gave the identity, after each change of one. */
  const counts = async (): Promise<readonly number[]> => {
    const there = new Set<string>()
    return (await history.take()).map(({ removed, object }) => {
      const name = textOf(metaOf(object)['name'])
      if (removed) there.delete(name)
      else there.add(name)
      return there.size
    })
  }

  test('is Ready beside it, and takes over without a gap', async () => {
    await world.put(newcomer())
    await isReady('new')
    await world.remove(bindingResource, at('chat'))
    await isGone('chat')
    expect(readyIn(await statusOf('new'))?.status).toBe('True')
    expect(await counts()).not.toContain(0)
    expect(await world.list(clusterSpiffeIdResource)).toHaveLength(1)
  })

  test('keeps the trust domain that it keeps, although another one is configured', async () => {
    await loop.stop()
    loop = startLoop({ kubeconfig: await proxy.kubeconfig(world.api.token), trustDomain: 'other.org' })
    await loop.synced
    await world.put(newcomer())
    await isReady('new')
    await world.remove(bindingResource, at('chat'))
    await isGone('chat')
    await world.put(binding({ name: 'apart', spec: { containerName: 'apart' } }))
    await isReady('apart')
    expect(await counts()).not.toContain(0)
    const outputs = await world.list(clusterSpiffeIdResource)
    const ids = outputs.map(({ spec }) => textOf(recordOf(spec)['spiffeIDTemplate']))
    expect(ids.toSorted()).toEqual([
      'spiffe://example.org/ns/default/objective/chat',
      'spiffe://other.org/ns/default/objective/chat',
    ])
    expect((await statusOf('new'))['trustDomain']).toBe('example.org')
  })

  describe('and whose output is still to come', () => {
    const writing: Match = { path: /\/clusterspiffeids/, method: 'POST' }

    /** The replaced one is deleted while nothing can be created. */
    const overlap = async () => {
      const stuck = proxy.faults.inject(writing, { kind: 'status', code: 503 }, Infinity)
      await world.put(newcomer())
      await vi.waitUntil(() => stuck.hits() > 0, patience)
      await world.remove(bindingResource, at('chat'))
      await vi.waitUntil(() => stuck.hits() > 2, patience)
      expect(await world.list(clusterSpiffeIdResource)).toHaveLength(1)
      expect(await world.find(bindingResource, at('chat'))).toBeDefined()
    }

    test('is waited for under a trust domain that is kept, too', async () => {
      await loop.stop()
      loop = startLoop({ kubeconfig: await proxy.kubeconfig(world.api.token), trustDomain: 'other.org' })
      await loop.synced
      await overlap()
      proxy.faults.clear()
      await isReady('new')
      await isGone('chat')
      expect(await counts()).not.toContain(0)
      expect((await statusOf('new'))['trustDomain']).toBe('example.org')
    })

    test('is waited for by the one that is deleted', async () => {
      await overlap()
      proxy.faults.clear()
      await isGone('chat')
      await isReady('new')
      expect(await counts()).not.toContain(0)
    })

    test('is waited for no longer once it is gone', async () => {
      await overlap()
      await world.remove(bindingResource, at('new'))
      await isGone('chat')
      expect(await world.list(clusterSpiffeIdResource)).toEqual([])
    })

    test('is waited for no longer once it wants another identity', async () => {
      await overlap()
      await world.put(newcomer({ objectiveRef: { name: 'other' } }))
      await isGone('chat')
      proxy.faults.clear()
      await isReady('new')
    })

    test('is waited for no longer once its output is refused', async () => {
      await overlap()
      proxy.faults.clear()
      proxy.faults.inject(writing, { kind: 'status', code: 403 }, Infinity)
      await isGone('chat')
    })
  })

  test('is not waited for where it may leave the trust domain of the other, and waits itself', async () => {
    await loop.stop()
    await world.put(newcomer())
    await world.remove(bindingResource, at('chat'))
    const { kubeconfig } = world.api
    loop = startLoop({ kubeconfig, trustDomain: 'other.org', leaving: ['example.org'] })
    await isGone('chat')
    await isReady('new')
    const [output, ...others] = await world.list(clusterSpiffeIdResource)
    expect(recordOf(output?.['spec'])['spiffeIDTemplate']).toContain('spiffe://other.org/')
    expect(others).toEqual([])
  })

  test('has no effect if the two give different identities', async () => {
    await world.put(newcomer({ objectiveRef: { name: 'other' } }))
    for (const name of ['chat', 'new'])
      await vi.waitUntil(async () => readyIn(await statusOf(name))?.reason === 'IdentityCollision', patience)
    expect(await world.list(clusterSpiffeIdResource)).toEqual([])
  })

  test('is a rival as soon as the annotation goes', async () => {
    await world.put(newcomer())
    await isReady('new')
    await world.patch(bindingResource, at('new'), {
      metadata: { annotations: { [replacesAnnotation]: null } },
    })
    for (const name of ['chat', 'new'])
      await vi.waitUntil(async () => readyIn(await statusOf(name))?.reason === 'IdentityCollision', patience)
  })
})
