import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createClient, type Client, type Watch } from './embedded/client.ts'
import { listOf, recordOf } from './embedded/json.ts'
import { startEmbedded, type Embedded } from './embedded/server.ts'
import { startFaultProxy, type FaultProxy } from './fault-proxy/proxy.ts'

const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
const lease = (name: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name },
  spec: { holderIdentity: 'me' },
})

const drain = async (watch: Watch): Promise<void> => {
  while ((await watch.next()) !== undefined) continue
}

let api: Embedded
let proxy: FaultProxy
/** Through the proxy. */
let client: Client
/** Past it. */
let direct: Client

beforeAll(async () => {
  api = await startEmbedded()
  proxy = await startFaultProxy(api)
  client = createClient({ ...proxy, token: api.token })
  direct = createClient(api)
})

afterEach(() => {
  proxy.faults.clear()
  proxy.cutWatches()
})

afterAll(async () => {
  await Promise.all([client.close(), direct.close()])
  await proxy.stop()
  await api.stop()
})

test('without a fault everything passes, and is counted', async () => {
  const match = { method: 'POST', path: /leases/ }
  const before = proxy.passed(match)
  expect(await client.post(leases, lease('passes'))).toMatchObject({ code: 201 })
  expect(await client.get(`${leases}/passes`)).toMatchObject({
    code: 200,
    body: { metadata: { name: 'passes' } },
  })
  expect(proxy.passed(match) - before).toBe(1)
})

test('a status is answered as often as asked, only where it matches, and never reaches the server', async () => {
  const match = { method: 'GET', path: /leases/ }
  const before = proxy.passed(match)
  const fault = proxy.faults.inject(match, { kind: 'status', code: 429, retryAfterSeconds: 3 }, 2)
  expect(await client.get('/version')).toMatchObject({ code: 200 })
  const busy = { code: 429, body: { kind: 'Status', reason: 'TooManyRequests', code: 429 }, retryAfter: '3' }
  expect(await client.get(leases)).toMatchObject(busy)
  expect(await client.get(leases)).toMatchObject(busy)
  expect(await client.get(leases)).toMatchObject({ code: 200 })
  expect(fault.hits()).toBe(2)
  expect(proxy.passed(match) - before).toBe(1)
})

test('a fault that is lifted hits nobody', async () => {
  const fault = proxy.faults.inject({}, { kind: 'status', code: 500 }, Infinity)
  expect(await client.get(leases)).toMatchObject({ code: 500 })
  fault.lift()
  expect(await client.get(leases)).toMatchObject({ code: 200 })
})

test('410 Gone answers a list, and is an event in a watch', async () => {
  proxy.faults.inject({ path: /leases/ }, { kind: 'expired' }, 2)
  expect(await client.get(leases)).toMatchObject({ code: 410, body: { reason: 'Expired' } })
  const watch = await client.watch(`${leases}?watch=true`)
  expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } })
  expect(await watch.next()).toBeUndefined()
})

test('a reset comes before the server has heard of the request', async () => {
  proxy.faults.inject({ method: 'POST' }, { kind: 'reset' })
  await expect(client.post(leases, lease('reset'))).rejects.toThrow('ECONNRESET')
  expect(await direct.get(`${leases}/reset`)).toMatchObject({ code: 404 })
})

test('a lost response is a write that took effect all the same', async () => {
  proxy.faults.inject({ method: 'POST' }, { kind: 'lostResponse' })
  await expect(client.post(leases, lease('lost'))).rejects.toThrow('ECONNRESET')
  expect(await direct.get(`${leases}/lost`)).toMatchObject({ code: 200 })
})

test('a slow answer takes its time, and comes', async () => {
  proxy.faults.inject({ path: /leases/ }, { kind: 'slow', ms: 80 })
  const start = performance.now()
  expect(await client.get(leases)).toMatchObject({ code: 200 })
  expect(performance.now() - start).toBeGreaterThan(75)
})

test('open watches can be cut', async () => {
  const watch = await client.watch(`${leases}?watch=true&resourceVersion=0&allowWatchBookmarks=true`)
  await expect(watch.next()).resolves.toBeDefined()
  expect(proxy.openWatches({ path: /leases/ })).toBe(1)
  expect(proxy.cutWatches({ path: /secrets/ })).toBe(0)
  expect(proxy.cutWatches({ path: /leases/ })).toBe(1)
  await expect(drain(watch)).rejects.toThrow('ECONNRESET')
})

test('a silent watch stays open and hears nothing', async () => {
  proxy.faults.inject({ watch: true }, { kind: 'silence' })
  const query = '?watch=true&fieldSelector=metadata.name%3Dunheard'
  const silent = await client.watch(`${leases}${query}`)
  const heard = await client.watch(`${leases}${query}`)
  await direct.post(leases, lease('unheard'))
  expect(await heard.next()).toMatchObject({ type: 'ADDED' })
  expect(proxy.silenceWatches({ path: /unheard/ })).toBe(2)
  await direct.delete(`${leases}/unheard`)
  const other = await client.watch(`${leases}?watch=true&resourceVersion=0`)
  expect(await other.next()).toMatchObject({ type: 'ADDED' })
  proxy.cutWatches()
  // Nothing came before the end.
  await expect(silent.next()).rejects.toThrow('ECONNRESET')
  await expect(heard.next()).rejects.toThrow('ECONNRESET')
})

test('open watches can be told that their version is gone', async () => {
  const watch = await client.watch(`${leases}?watch=true&fieldSelector=metadata.name%3Dnobody`)
  await expect.poll(() => proxy.openWatches()).toBe(1)
  expect(proxy.expireWatches()).toBe(1)
  expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } })
  expect(await watch.next()).toBeUndefined()
})

test('discovery can lack a group that is served all the same', async () => {
  const groups = ['coordination.k8s.io']
  const named = async (): Promise<readonly unknown[]> =>
    listOf((await client.get('/apis')).body['groups']).map((group) => recordOf(group)['name'])
  expect(await named()).toContain('coordination.k8s.io')
  proxy.faults.inject({ path: /^\/apis/ }, { kind: 'withoutGroups', groups }, Infinity)
  expect(await named()).not.toContain('coordination.k8s.io')
  expect(await named()).toContain('events.k8s.io')
  expect(await client.get('/apis/coordination.k8s.io/v1')).toMatchObject({ code: 404 })
  expect(await client.get('/apis/events.k8s.io/v1')).toMatchObject({ code: 200 })
  expect(await client.get(leases)).toMatchObject({ code: 200 })
})

test('down cuts and refuses, up is back at the same address', async () => {
  const watch = await client.watch(`${leases}?watch=true`)
  await proxy.down()
  await expect(drain(watch)).rejects.toThrow('ECONNRESET')
  await expect(client.get(leases)).rejects.toThrow('ECONNREFUSED')
  await proxy.up()
  expect(await client.get(leases)).toMatchObject({ code: 200 })
})

test('a kubeconfig leads through the proxy', async () => {
  const path = await proxy.kubeconfig(api.token)
  const config: unknown = JSON.parse(await readFile(path, 'utf8'))
  const [cluster] = listOf(recordOf(config)['clusters'])
  expect(recordOf(recordOf(cluster)['cluster'])['server']).toBe(proxy.server)
})
