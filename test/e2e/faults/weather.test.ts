import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { bindingResource, allResources } from '../../../src/core/resources.ts'
import { whenSettled } from '../../support/model.ts'
import {
  apart,
  expectNoAccident,
  ofTheLoop,
  reflectors,
  startSite,
  writes,
  type Site,
} from './support/site.ts'

let site: Site

beforeAll(async () => {
  site = await startSite()
  for (const name of ['kept', 'changing', 'leaving']) await site.world.put(apart(name))
  await site.operator.ready()
  await whenSettled(site.world)
})
afterAll(() => site[Symbol.asyncDispose]())

beforeEach(() => vi.waitUntil(() => site.proxy.openWatches() === reflectors, { timeout: 45_000 }))

// Whatever fault there was, the loop broke no rule (no identity without a reason, none withheld, none doubled) and had no bug.
afterEach(async () => {
  expect(await site.brokenPromises()).toEqual([])
  expectNoAccident(site.operator.log())
})

let round = 0

/** Creates one binding, gives another one another ID, and deletes a third: two to four writes each. */
async function edit(): Promise<void> {
  const { put, remove } = site.world
  round += 1
  await put(apart('changing', round % 2 === 0 ? 'chat' : 'other'))
  await put(apart(`new-${round}`))
  await remove(bindingResource, { namespace: 'default', name: round === 1 ? 'leaving' : `new-${round - 1}` })
}

const edited = 3

/** Lets a fault last until it has hit so many requests, and says how long that took. */
async function until(hits: () => number, wanted: number): Promise<number> {
  const began = performance.now()
  await vi.waitUntil(() => hits() >= wanted, { timeout: 30_000, interval: 5 })
  return performance.now() - began
}

test('429: a write is made again when Retry-After says so, not before', async () => {
  const { proxy, world } = site
  const busy = { kind: 'status', code: 429, retryAfterSeconds: 1 } as const
  const fault = proxy.faults.inject({ method: writes, path: ofTheLoop }, busy, Infinity)
  await edit()
  const ms = await until(fault.hits, 3 * edited)
  expect(ms).toBeGreaterThan(1900)
  fault.lift()
  await whenSettled(world)
})

test('500 for everything: no kind is asked for twice within 0.8 s', async () => {
  const { proxy, world } = site
  proxy.cutWatches()
  const fault = proxy.faults.inject({}, { kind: 'status', code: 500 }, Infinity)
  await edit()
  const ms = await until(fault.hits, reflectors + 1)
  expect(ms).toBeGreaterThan(750)
  fault.lift()
  await whenSettled(world)
})

test('500 for writes: retried by ever longer waits', async () => {
  const { proxy, world } = site
  const fault = proxy.faults.inject(
    { method: writes, path: ofTheLoop },
    { kind: 'status', code: 500 },
    Infinity,
  )
  await edit()
  // 5 ms doubled: the ninth attempt for one binding comes after 5 · (2⁸ − 1) ms.
  const ms = await until(fault.hits, 9 * edited)
  expect(ms).toBeGreaterThan(1000)
  fault.lift()
  await whenSettled(world)
})

test('410: expired watches and lists are begun anew', async () => {
  const { proxy, world } = site
  expect(proxy.expireWatches()).toBe(reflectors)
  world.api.forgetHistory()
  const fault = proxy.faults.inject({ method: 'GET', watch: false }, { kind: 'expired' }, reflectors)
  await edit()
  await until(fault.hits, reflectors)
  await whenSettled(world)
})

test('reset: watches that break off are resumed, and so are those that break off at once', async () => {
  const { proxy, world } = site
  expect(proxy.cutWatches()).toBe(reflectors)
  const fault = proxy.faults.inject({ watch: true }, { kind: 'reset' }, reflectors)
  await edit()
  await until(fault.hits, reflectors)
  await whenSettled(world)
})

test('a lost answer: what took effect is neither lost nor done twice', async () => {
  const { proxy, world } = site
  const fault = proxy.faults.inject({ method: writes, path: ofTheLoop }, { kind: 'lostResponse' }, 8)
  await edit()
  await whenSettled(world)
  await until(fault.hits, 8)
})

test('2 s latency: slower, but nothing else', async () => {
  const { proxy, world } = site
  const before = proxy.passed()
  const fault = proxy.faults.inject({}, { kind: 'slow', ms: 2000 }, Infinity)
  await world.put(apart('slow'))
  await whenSettled(world)
  fault.lift()
  // Four writes: finalizer, output, event, status. If the watch shows one of them late, the loop reads or tries once more.
  expect(proxy.passed() - before).toBeLessThanOrEqual(8)
})

test('discovery without our groups does not matter: nobody asks it', async () => {
  const { proxy, world } = site
  const groups = allResources.map(({ group }) => group)
  const discovery = /^\/apis(?:\/[^/?]+){0,2}(?:\?|$)/
  const fault = proxy.faults.inject({ path: discovery }, { kind: 'withoutGroups', groups }, Infinity)
  proxy.cutWatches()
  await edit()
  await whenSettled(world)
  expect(fault.hits()).toBe(0)
  fault.lift()
})

test('down and up again: what changed meanwhile is followed, at the price of a list and a watch a kind', async () => {
  const { proxy, world } = site
  await proxy.down()
  await edit()
  const before = proxy.passed({ method: 'GET' })
  await proxy.up()
  await whenSettled(world)
  await vi.waitUntil(() => proxy.openWatches() === reflectors, { timeout: 30_000 })
  const reads = 4 * edited
  expect(proxy.passed({ method: 'GET' }) - before).toBeLessThanOrEqual(3 * reflectors + reads)
})

test('after all that it ends in good order', async () => {
  expect(await site.operator.stop()).toBe(0)
  expectNoAccident(site.operator.log())
})
