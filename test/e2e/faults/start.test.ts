import { expect, test, vi } from 'vitest'
import { gvk, optionalResources, allResources } from '../../../src/core/resources.ts'
import { startFaultProxy } from '../../support/fault-proxy/proxy.ts'
import { whenSettled } from '../../support/model.ts'
import { startWorld } from '../../support/world.ts'
import { apart, expectNoAccident, reflectors, scene, startOperatorAt } from './support/site.ts'

const said = (log: string, what: string): number =>
  log.split('\n').filter((line) => line.includes(what)).length

test('without any of the kinds it starts, says once what is missing, and works as soon as they come', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld({ served: [] }))
  const operator = await startOperatorAt(world.api.kubeconfig)
  stack.defer(async () => {
    await operator.stop('SIGKILL')
  })
  await operator.ready()
  for (const resource of optionalResources)
    expect(said(operator.log(), `"${gvk(resource)}","msg":"skipping unavailable GVK"`)).toBe(1)
  for (const resource of allResources) await world.serve(resource)
  for (const manifest of [...scene, apart('first')]) await world.put(manifest)
  await whenSettled(world)
  expect(await operator.stop()).toBe(0)
  expectNoAccident(operator.log())
})

test('without an API server it lives, says so once, asks less and less, and begins when there is one', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  for (const manifest of [...scene, apart('first')]) await world.put(manifest)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  // All but the namespace that the test itself makes.
  const away = proxy.faults.inject({ path: /^\/apis\// }, { kind: 'reset' }, Infinity)
  const operator = await startOperatorAt(await proxy.kubeconfig(world.api.token))
  stack.defer(async () => {
    await operator.stop('SIGKILL')
  })
  const began = performance.now()
  await vi.waitUntil(() => away.hits() >= 3, { timeout: 30_000 })
  // 0.8 s, then 1.6 s, each up to twice that by chance.
  expect(performance.now() - began).toBeGreaterThan(2400)
  expect(said(operator.log(), 'trying again')).toBe(1)
  expect((await fetch(`${operator.probes}/healthz`)).status).toBe(200)
  expect((await fetch(`${operator.probes}/readyz`)).status).toBe(503)
  away.lift()
  await whenSettled(world)
  await vi.waitUntil(() => proxy.openWatches() === reflectors, { timeout: 10_000 })
  expect(await operator.stop()).toBe(0)
  expectNoAccident(operator.log())
})
