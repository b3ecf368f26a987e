import { kill } from 'node:process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { whenSettled } from '../../support/model.ts'
import { apart, ofTheLoop, startSite, writes, type Site } from './support/site.ts'

/** The grace period of deploy/operator/deployment.yaml. */
const graceMs = 30_000

let site: Site

beforeEach(async () => {
  site = await startSite()
  await site.world.put(apart('first'))
  await site.operator.ready()
  await whenSettled(site.world)
})
afterEach(() => site[Symbol.asyncDispose]())

test('SIGTERM ends it with 0 while the API server is down', async () => {
  const { operator, proxy, world } = site
  await proxy.down()
  await world.put(apart('second'))
  const began = performance.now()
  expect(await operator.stop()).toBe(0)
  expect(performance.now() - began).toBeLessThan(graceMs / 2)
  await proxy.up()
})

test('SIGTERM ends it with 0 while the API server answers nothing', async () => {
  const { operator, proxy, world } = site
  const fault = proxy.faults.inject({ watch: false }, { kind: 'silence' }, Infinity)
  await world.put(apart('second'))
  await vi.waitUntil(() => fault.hits() > 0, { timeout: 10_000 })
  // `stop` kills after half the grace period, for 137.
  expect(await operator.stop()).toBe(0)
})

test('SIGTERM lets a write that was sent be answered, and sends no more of other bindings', async () => {
  const { operator, proxy, world } = site
  const ours = { method: writes, path: ofTheLoop }
  const slow = proxy.faults.inject(ours, { kind: 'slow', ms: 500 }, Infinity)
  await world.put(apart('second'))
  await vi.waitUntil(() => slow.hits() > 0, { timeout: 10_000 })
  const before = proxy.passed(ours)
  const stopped = operator.stop()
  await vi.waitUntil(() => operator.log().includes('stopping'), { timeout: 10_000 })
  await world.put(apart('third'))
  expect(await stopped).toBe(0)
  expect(proxy.passed(ours)).toBeGreaterThan(before)
  const third = await world.find(bindingResource, { namespace: 'default', name: 'third' })
  expect(third).not.toHaveProperty('metadata.finalizers')
})

test('a second signal ends it at once', async () => {
  const { operator, proxy, world } = site
  const fault = proxy.faults.inject({ watch: false }, { kind: 'silence' }, Infinity)
  await world.put(apart('second'))
  await vi.waitUntil(() => fault.hits() > 0, { timeout: 10_000 })
  kill(operator.pid, 'SIGTERM')
  await vi.waitUntil(() => operator.log().includes('stopping'), { timeout: 10_000 })
  const began = performance.now()
  await operator.stop('SIGTERM')
  expect(performance.now() - began).toBeLessThan(1000)
})
