import { expect, test, vi } from 'vitest'
import { clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { clusterSpiffeId } from '../support/builders.ts'
import { createClient } from '../support/embedded/client.ts'
import { startFaultProxy } from '../support/fault-proxy/proxy.ts'
import { startWorld } from '../support/world.ts'
import type { Entry } from './history.ts'
import { Recorder } from './recorder.ts'

const within = { timeout: 30_000, interval: 50 }

/** What a recorder tells of ClusterSPIFFEIDs, whose lists can be made to fail. */
async function scene() {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  const client = createClient({ ...proxy, token: world.api.token })
  stack.defer(() => client.close())
  const recorder = stack.use(new Recorder(client))
  const heard: Entry[] = []
  const told = (): readonly string[] => {
    heard.push(...recorder.drain())
    return heard.flatMap((entry) =>
      entry.kind === 'change' && entry.resource === clusterSpiffeIdResource
        ? [entry.removed ? 'removed' : 'there']
        : [],
    )
  }
  const own = stack.move()
  return { world, proxy, told, [Symbol.asyncDispose]: () => own.disposeAsync() }
}

const lists = { path: /\/clusterspiffeids$/, method: 'GET' }

test('an API server that can list nothing has not lost what it had', async () => {
  await using stage = await scene()
  const { world, proxy, told } = stage
  await world.put(clusterSpiffeId('one'))
  await vi.waitFor(() => expect(told()).toEqual(['there']), within)
  const fault = proxy.faults.inject(lists, { kind: 'status', code: 429 }, Infinity)
  proxy.expireWatches()
  await vi.waitFor(() => expect(fault.hits()).toBeGreaterThan(1), within)
  fault.lift()
  await world.put(clusterSpiffeId('two'))
  await vi.waitFor(() => expect(told().length).toBeGreaterThan(1), within)
  expect(told()).toEqual(['there', 'there'])
})

test('what a kind had is gone with the kind', async () => {
  await using stage = await scene()
  const { world, told } = stage
  await world.put(clusterSpiffeId('one'))
  await vi.waitFor(() => expect(told()).toEqual(['there']), within)
  await world.unserve(clusterSpiffeIdResource)
  await vi.waitFor(() => expect(told()).toEqual(['there', 'removed']), within)
})
