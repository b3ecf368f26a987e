import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  bindingResource,
  clusterSpiffeIdResource,
  eventResource,
  objectiveResources,
} from '../../src/core/resources.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { listOf, recordOf, type Json } from '../support/embedded/json.ts'
import type { Match } from '../support/fault-proxy/faults.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy/proxy.ts'
import { startLoop, type Loop } from '../support/loop.ts'
import { whenSettled } from '../support/model.ts'
import { metaOf, placeOf, startWorld, uidOf, type World } from '../support/world.ts'

const chat = { namespace: 'default', name: 'chat' }
const patience = { timeout: 20_000, interval: 20 }
const deleting: Match = { method: 'DELETE', path: /\/clusterspiffeids\// }
const [objectives] = objectiveResources

describe('a failure whose ClusterSPIFFEID can not be deleted', () => {
  let world: World
  let proxy: FaultProxy
  let loop: Loop
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await startWorld())
    for (const one of [pool(), objective()]) await world.put(one)
    proxy = await startFaultProxy(world.api)
    stack.defer(() => proxy.stop())
    await lead()
    await world.put(binding())
    await whenSettled(world)
  })
  afterEach(() => stack.disposeAsync())

  async function lead(): Promise<void> {
    const started = startLoop({ kubeconfig: await proxy.kubeconfig(world.api.token) })
    stack.defer(() => started.stop())
    await started.synced
    loop = started
  }
  const outputs = (): Promise<readonly Json[]> => world.list(clusterSpiffeIdResource)
  const output = async (): Promise<Json> => (await outputs())[0] ?? {}
  const ready = async (): Promise<unknown> => {
    const { status } = (await world.find(bindingResource, chat)) ?? {}
    return listOf(recordOf(status)['conditions'])
      .map(recordOf)
      .find(({ type }) => type === 'Ready')?.['reason']
  }
  const says = (reason: string): Promise<unknown> =>
    vi.waitFor(async () => expect(await ready()).toBe(reason), patience)
  const keep = (one: Json, finalizers: readonly string[] | null): Promise<Json> =>
    world.patch(clusterSpiffeIdResource, placeOf(one), { metadata: { finalizers } })
  const reasons = async (): Promise<readonly unknown[]> =>
    (await world.list(eventResource)).map(({ reason }) => reason)
  const loseObjective = (): Promise<boolean> =>
    world.remove(objectives ?? bindingResource, { namespace: 'default', name: 'chat' })

  test('is in the status; once it is mended, no second one comes beside the one that is being deleted', async () => {
    const kept = await output()
    await keep(kept, ['example.org/keeps-it'])
    await loseObjective()
    await says('TargetObjectiveNotFound')
    await world.put(objective())
    await vi.waitFor(async () => expect(metaOf(await output())).toHaveProperty('deletionTimestamp'), patience)
    expect((await outputs()).map(uidOf)).toEqual([uidOf(kept)])
    await keep(kept, null)
    await says('Reconciled')
    expect((await outputs()).map(uidOf)).not.toContain(uidOf(kept))
    expect(await outputs()).toHaveLength(1)
  })

  test('is not laid to anybody: what the operator deleted itself it does not call repaired', async () => {
    await world.put(objective({ name: 'other' }))
    const kept = await output()
    await keep(kept, ['example.org/keeps-it'])
    await world.patch(bindingResource, chat, { spec: { objectiveRef: { name: 'other' } } })
    await vi.waitFor(async () => expect(metaOf(await output())).toHaveProperty('deletionTimestamp'), patience)
    await world.patch(bindingResource, chat, { spec: { objectiveRef: { name: 'chat' } } })
    // Once a later binding has its output, the loop has seen the edit, too.
    await world.put(binding({ name: 'later', spec: { containerName: 'later' } }))
    await vi.waitFor(async () => expect(await outputs()).toHaveLength(2), patience)
    await keep(kept, null)
    await vi.waitFor(async () => expect((await outputs()).map(uidOf)).not.toContain(uidOf(kept)), patience)
    await whenSettled(world)
    expect(await reasons()).not.toContain('Repaired')
    await world.remove(clusterSpiffeIdResource, placeOf(await output()))
    await vi.waitFor(async () => expect(await reasons()).toContain('Repaired'), patience)
  })

  test('is not laid to anybody either where it was mended before the status could say it', async () => {
    const unsaid = proxy.faults.inject(
      { method: 'PUT', path: /\/inferenceidentitybindings\/.*\/status/v },
      { kind: 'status', code: 409 },
      Infinity,
    )
    await loseObjective()
    await vi.waitUntil(() => unsaid.hits() > 0, patience)
    expect(await outputs()).toEqual([])
    await world.put(objective())
    await vi.waitFor(async () => expect(await outputs()).toHaveLength(1), patience)
    unsaid.lift()
    await whenSettled(world)
    expect(await reasons()).not.toContain('Repaired')
  })

  test.each([500, 409])('is not in the status while nothing is known of it: %s', async (code) => {
    const stuck = proxy.faults.inject(deleting, { kind: 'status', code }, Infinity)
    await loseObjective()
    await vi.waitUntil(() => stuck.hits() > 2, patience)
    expect(await ready()).toBe('Reconciled')
    stuck.lift()
    await says('TargetObjectiveNotFound')
  })

  test('is told of once it is gone, though the answer to its deletion was lost', async () => {
    proxy.faults.inject(deleting, { kind: 'lostResponse' })
    await loseObjective()
    await says('TargetObjectiveNotFound')
    expect(loop.writes()).toEqual(['created', 'deleted'])
    proxy.faults.inject(deleting, { kind: 'reset' }, 2)
    await world.put(objective())
    await says('Reconciled')
    await world.remove(bindingResource, chat)
    await vi.waitUntil(async () => (await world.find(bindingResource, chat)) === undefined, patience)
    expect(loop.writes()).toEqual(['created', 'deleted', 'created', 'deleted'])
  })

  test('that was not deleted after all is laid to whoever deletes it later', async () => {
    const kept = await output()
    const stuck = proxy.faults.inject(deleting, { kind: 'status', code: 503 }, Infinity)
    await loseObjective()
    await vi.waitUntil(() => stuck.hits() > 0, patience)
    await world.put(objective())
    // Once a later binding has its output, the loop has seen the objective, too.
    await world.put(binding({ name: 'later', spec: { containerName: 'later' } }))
    await vi.waitFor(async () => expect(await outputs()).toHaveLength(2), patience)
    await whenSettled(world)
    stuck.lift()
    await world.remove(clusterSpiffeIdResource, placeOf(kept))
    await vi.waitFor(async () => expect(await reasons()).toContain('Repaired'), patience)
    await whenSettled(world)
    expect(loop.writes()).toEqual(['created', 'created', 'repaired'])
  })

  test('does not keep others of the binding, whether they are listed before it or after it', async () => {
    await loop.stop()
    const kept = await output()
    const { name, labels, annotations } = metaOf(kept)
    const isKept = new RegExp(`/clusterspiffeids/${String(name)}`, 'v')
    proxy.faults.inject({ method: 'DELETE', path: isKept }, { kind: 'status', code: 403 }, Infinity)
    for (const hash of ['00000bad', 'fffffbad'])
      await world.client.post('/apis/spire.spiffe.io/v1alpha1/clusterspiffeids', {
        ...kept,
        metadata: { name: `${String(name).slice(0, -hash.length)}${hash}`, labels, annotations },
      })
    expect(await outputs()).toHaveLength(3)
    await loseObjective()
    await lead()
    await says('TargetObjectiveNotFound')
    await vi.waitFor(async () => expect((await outputs()).map(uidOf)).toEqual([uidOf(kept)]), patience)
  })
})
