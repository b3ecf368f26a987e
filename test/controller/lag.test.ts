import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  definitionResource,
  bindingResource,
  clusterSpiffeIdResource,
  eventResource,
  allResources,
} from '../../src/core/resources.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { recordOf, type Json } from '../support/embedded/json.ts'
import type { Match } from '../support/fault-proxy/faults.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy/proxy.ts'
import { startLoop, type Loop } from '../support/loop.ts'
import { whenSettled } from '../support/model.ts'
import { startWorld, type World } from '../support/world.ts'
import { History } from './support/history.ts'
import { Judge } from './support/judge.ts'

const metaOf = (output: Json | undefined): Json => recordOf(output?.['metadata'])

/** The watch of outputs says nothing, so the cache shows none of the outputs that the loop writes. */
describe('while the watch of ClusterSPIFFEIDs lags', () => {
  const outputs: Match = { path: /\/clusterspiffeids/ }
  const isWriting = (method: string): Match => ({ ...outputs, method })
  let world: World
  let proxy: FaultProxy
  let history: History
  let stack: AsyncDisposableStack
  let loop: Loop

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await startWorld())
    for (const one of [pool(), objective(), objective({ name: 'other' })]) await world.put(one)
    proxy = await startFaultProxy(world.api)
    stack.defer(() => proxy.stop())
    history = stack.use(new History(world.client))
    for (const resource of [definitionResource, ...allResources]) await history.follow(resource)
    const kubeconfig = await proxy.kubeconfig(world.api.token)
    // The loop gives up a silent watch only after the test is over.
    loop = startLoop({ kubeconfig, timings: { idleMs: 60_000 } })
    stack.defer(() => loop.stop())
    await loop.synced
    await vi.waitUntil(() => proxy.openWatches() === allResources.length + 1, { timeout: 10_000 })
    expect(proxy.silenceWatches(outputs)).toBe(1)
  })
  afterEach(() => stack.disposeAsync())

  /** Only the loop writes outputs here and takes finalizers off, so the judge excuses nothing. */
  const brokenPromises = async (): Promise<readonly string[]> =>
    new Judge({ wrote: () => false, deleted: () => false }).judge(await history.take())

  const settlesOnceTheWatchIsBack = async (): Promise<void> => {
    proxy.faults.clear()
    proxy.cutWatches(outputs)
    await whenSettled(world)
  }

  test('a binding that is given another ID has never two', async () => {
    await world.put(binding())
    await whenSettled(world)
    await world.put(binding({ spec: { objectiveRef: { name: 'other' } } }))
    await whenSettled(world)
    expect(await brokenPromises()).toEqual([])
  })

  test('a binding that is given another ID has never two, though it was made in an earlier term', async () => {
    await world.put(binding())
    await whenSettled(world)
    await loop.nextTerm(() => world.put(binding({ spec: { objectiveRef: { name: 'other' } } })))
    await whenSettled(world)
    expect(await brokenPromises()).toEqual([])
  })

  describe('what the replica that led before has made', () => {
    beforeEach(async () => {
      await world.put(binding())
      await whenSettled(world)
    })

    test('is gone before its binding is given another ID', async () => {
      await loop.takeOver(() => world.put(binding({ spec: { objectiveRef: { name: 'other' } } })))
      await whenSettled(world)
      expect(await brokenPromises()).toEqual([])
    })

    test('is gone before its binding is', async () => {
      await loop.takeOver(() => world.remove(bindingResource, chat))
      await vi.waitUntil(isGone, { timeout: 10_000 })
      expect(await world.list(clusterSpiffeIdResource)).toEqual([])
      expect(await brokenPromises()).toEqual([])
    })

    test('is withdrawn before the status says that its binding failed', async () => {
      await loop.takeOver(() => world.put(pool({ selector: {} })))
      await whenSettled(world)
      expect(await brokenPromises()).toEqual([])
    })

    test('stays as it is, and nobody is said to have deleted it', async () => {
      const creations = proxy.faults.inject(isWriting('POST'), { kind: 'slow', ms: 1 }, Infinity)
      const runs = loop.runs()
      await loop.takeOver()
      await vi.waitUntil(() => loop.runs() > runs, { timeout: 10_000 })
      await settlesOnceTheWatchIsBack()
      expect(creations.hits()).toBe(0)
      const reasons = (await world.list(eventResource)).map(({ reason }) => reason)
      expect(reasons).toEqual(['Reconciled'])
    })
  })

  test('what an earlier term made for a binding that is gone holds no key', async () => {
    await world.put(binding())
    await whenSettled(world)
    const [output] = await world.list(clusterSpiffeIdResource)
    const stuck = proxy.faults.inject({ method: 'DELETE' }, { kind: 'status', code: 503 }, Infinity)
    await world.remove(bindingResource, chat)
    await vi.waitUntil(() => stuck.hits() > 0, { timeout: 10_000 })
    const ending = loop.nextTerm()
    await world.remove(clusterSpiffeIdResource, { name: String(metaOf(output)['name']) })
    await world.patch(bindingResource, chat, { metadata: { finalizers: null } })
    await ending
    proxy.faults.clear()
    await world.put(binding({ name: 'rival', spec: { objectiveRef: { name: 'other' } } }))
    await whenSettled(world)
  })

  test('an output that nobody has seen yet still keeps its key from others', async () => {
    await world.put(binding())
    await whenSettled(world)
    const stuck = proxy.faults.inject(isWriting('POST'), { kind: 'status', code: 503 }, Infinity)
    await world.put(binding({ spec: { containerName: 'side' } }))
    await vi.waitUntil(() => stuck.hits() > 0, { timeout: 10_000 })
    await world.put(binding({ name: 'rival', spec: { objectiveRef: { name: 'other' } } }))
    const isHeld = async () => JSON.stringify(await world.find(bindingResource, rival)).includes('finalizer')
    await vi.waitUntil(isHeld, { timeout: 10_000 })
    await vi.waitUntil(() => stuck.hits() > 6, { timeout: 10_000 })
    await settlesOnceTheWatchIsBack()
    expect(await brokenPromises()).toEqual([])
  })

  test('an output that the cache still shows is replaced, once, under its name', async () => {
    await world.put(binding())
    await whenSettled(world)
    await settlesOnceTheWatchIsBack()
    await vi.waitUntil(() => proxy.openWatches() === allResources.length + 1, { timeout: 10_000 })
    const [before] = await world.list(clusterSpiffeIdResource)
    expect(proxy.silenceWatches(outputs)).toBe(1)
    const created = proxy.faults.inject(isWriting('POST'), { kind: 'slow', ms: 1 }, Infinity)
    for (const serviceAccountName of ['worker', 'other']) {
      await world.put(binding({ spec: { serviceAccountName } }))
      await whenSettled(world)
    }
    const [after, ...more] = await world.list(clusterSpiffeIdResource)
    expect(more).toEqual([])
    const { name, uid } = metaOf(before)
    expect(metaOf(after)).toMatchObject({ name })
    expect(metaOf(after)['uid']).not.toBe(uid)
    // Two outputs, each with a rehearsal and a creation.
    expect(created.hits()).toBe(4)
    expect(await brokenPromises()).toEqual([])
  })

  const rival = { namespace: 'default', name: 'rival' }
  const chat = { namespace: 'default', name: 'chat' }

  /** The output is created, but the answer is lost: the loop learns of the output by asking. */
  const becomeReadyUnheard = async (): Promise<void> => {
    proxy.faults.inject(isWriting('POST'), { kind: 'lostResponse' })
    await world.put(binding())
    await whenSettled(world)
  }

  test('the status shows no failure before it is known what became of an unanswered creation, and its output is withdrawn', async () => {
    await becomeReadyUnheard()
    await world.put(pool({ selector: {} }))
    await settlesOnceTheWatchIsBack()
    expect(await brokenPromises()).toEqual([])
  })

  test('a binding keeps its finalizer until its output is gone, though its creation was never answered', async () => {
    await becomeReadyUnheard()
    await world.remove(bindingResource, chat)
    await settlesOnceTheWatchIsBack()
    expect(await brokenPromises()).toEqual([])
    expect(await world.list(clusterSpiffeIdResource)).toEqual([])
  })

  /** The output is created, but the answer is lost, and the loop can't ask. */
  const beCreatedUnheard = async (): Promise<void> => {
    proxy.faults.inject(isWriting('POST'), { kind: 'lostResponse' })
    const asked = proxy.faults.inject({ ...outputs, method: 'GET' }, { kind: 'status', code: 503 }, Infinity)
    await world.put(binding())
    await vi.waitUntil(() => asked.hits() > 0, { timeout: 10_000 })
    expect(await world.list(clusterSpiffeIdResource)).toHaveLength(1)
  }

  const hasStatus = async (): Promise<boolean> =>
    'status' in ((await world.find(bindingResource, chat)) ?? {})
  const isGone = async (): Promise<boolean> => (await world.find(bindingResource, chat)) === undefined

  test('the status shows no failure before it is known what became of an unanswered creation', async () => {
    await beCreatedUnheard()
    await world.put(pool({ selector: {} }))
    proxy.faults.clear()
    await vi.waitUntil(hasStatus, { timeout: 10_000 })
    await settlesOnceTheWatchIsBack()
    expect(await brokenPromises()).toEqual([])
  })

  test('a binding keeps its finalizer until it is known what became of an unanswered creation', async () => {
    await beCreatedUnheard()
    await world.remove(bindingResource, chat)
    proxy.faults.clear()
    await vi.waitUntil(isGone, { timeout: 10_000 })
    await settlesOnceTheWatchIsBack()
    expect(await brokenPromises()).toEqual([])
  })
})

const refersTo = (name: string) =>
  binding({ name: 'other', spec: { poolRef: { name }, objectiveRef: { name } } })

/** A binding is changed to refer to objects that exist already, but the loop hears of these objects later. */
describe('while the watches of pools and objectives lag', () => {
  const referred: Match = { path: /\/inference(?:pools|objectives)\?/ }
  const moved = binding({ spec: { poolRef: { name: 'new' }, objectiveRef: { name: 'new' } } })
  let world: World
  let proxy: FaultProxy
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await startWorld())
    for (const one of [pool(), objective(), binding()]) await world.put(one)
    proxy = await startFaultProxy(world.api)
    stack.defer(() => proxy.stop())
    const loop = startLoop({
      kubeconfig: await proxy.kubeconfig(world.api.token),
      timings: { idleMs: 60_000 },
    })
    stack.defer(() => loop.stop())
    await whenSettled(world)
    await vi.waitUntil(() => proxy.openWatches() === allResources.length + 1, { timeout: 10_000 })
    expect(proxy.silenceWatches(referred)).toBeGreaterThan(1)
  })
  afterEach(() => stack.disposeAsync())

  const uids = async (): Promise<readonly unknown[]> =>
    (await world.list(clusterSpiffeIdResource)).map((output) => metaOf(output)['uid'])

  /** The loop asks the API server for an object, by name, more than once. */
  const isAskedFor = (name: string): Promise<boolean> => {
    const before = proxy.passed({ method: 'GET', path: new RegExp(`/${name}$`) })
    const asked = (): boolean => proxy.passed({ method: 'GET', path: new RegExp(`/${name}$`) }) > before + 2
    return vi.waitUntil(asked, { timeout: 10_000 })
  }

  const catchesUp = async (): Promise<void> => {
    proxy.cutWatches(referred)
    await whenSettled(world)
  }

  test('a binding that moves to a pool which is there keeps its identity until the loop has heard of that', async () => {
    const before = await uids()
    await world.put(pool({ name: 'new' }))
    await world.put(objective({ name: 'new', poolRef: { name: 'new' } }))
    await world.put(moved)
    await isAskedFor('new')
    expect(await uids()).toEqual(before)
    await catchesUp()
    expect(await uids()).toHaveLength(1)
  })

  test('an objective that moves to the other pool first, and then its binding, cost no identity', async () => {
    const before = await uids()
    await world.put(pool({ name: 'new' }))
    await world.put(objective({ poolRef: { name: 'new' } }))
    await world.put(binding({ spec: { poolRef: { name: 'new' } } }))
    await isAskedFor('new')
    expect(await uids()).toEqual(before)
    await catchesUp()
    expect(await uids()).toHaveLength(1)
  })

  test('a pool that makes way for another binding costs neither its identity', async () => {
    await world.put(pool({ name: 'third' }))
    await world.put(pool({ name: 'other', selector: { matchLabels: { app: 'other' } } }))
    await world.put(objective({ name: 'other', poolRef: { name: 'other' } }))
    await world.put(objective({ name: 'third', poolRef: { name: 'third' } }))
    await world.put(refersTo('other'))
    await catchesUp()
    await vi.waitUntil(() => proxy.openWatches() === allResources.length + 1, { timeout: 10_000 })
    proxy.silenceWatches(referred)
    const [first, second] = await uids()
    await world.put(pool({ selector: { matchLabels: { app: 'new' } } }))
    await world.put(refersTo('third'))
    await isAskedFor('chat')
    expect(await uids()).toEqual([first, second])
    await catchesUp()
    expect(await uids()).toHaveLength(2)
  })

  test('a pool or objective that a live read shows missing costs the identity at once', async () => {
    await world.put(moved)
    await vi.waitUntil(async () => (await uids()).length === 0, { timeout: 10_000 })
    await catchesUp()
  })

  test('no identity is given up while the API server can not be asked', async () => {
    const before = await uids()
    const unread = proxy.faults.inject(
      { method: 'GET', path: /\/new$/ },
      { kind: 'status', code: 500 },
      Infinity,
    )
    await world.put(moved)
    await vi.waitUntil(() => unread.hits() > 4, { timeout: 10_000 })
    expect(await uids()).toEqual(before)
    unread.lift()
    await vi.waitUntil(async () => (await uids()).length === 0, { timeout: 10_000 })
    await catchesUp()
  })
})
