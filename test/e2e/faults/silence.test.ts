import { expect, test, vi } from 'vitest'
import { clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { startFaultProxy } from '../../support/fault-proxy/proxy.ts'
import { startLoop } from '../../support/loop.ts'
import { whenSettled } from '../../support/model.ts'
import { startWorld, uidOf } from '../../support/world.ts'
import { apart, reflectors, scene } from './support/site.ts'

const idleMs = 1000

test('watches that fall silent are given up after a while, and what they kept to themselves is followed', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  for (const manifest of [...scene, apart('first')]) await world.put(manifest)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  const loop = startLoop({ kubeconfig: await proxy.kubeconfig(world.api.token), timings: { idleMs } })
  stack.defer(() => loop.stop())
  await whenSettled(world)
  await vi.waitUntil(() => proxy.openWatches() === reflectors, { timeout: 10_000 })
  const kept = (await world.list(clusterSpiffeIdResource)).map(uidOf)

  expect(proxy.silenceWatches()).toBe(reflectors)
  const before = proxy.passed()
  const began = performance.now()
  await world.put(apart('second'))
  await whenSettled(world)
  expect(performance.now() - began).toBeGreaterThan(idleMs / 2)
  expect((await world.list(clusterSpiffeIdResource)).map(uidOf)).toEqual(expect.arrayContaining(kept))
  // Each reflector lists and watches at most twice; the rest are the writes for the binding.
  expect(proxy.passed() - before).toBeLessThanOrEqual(4 * reflectors + 12)
  expect(loop.mistakes()).toEqual([])
})
