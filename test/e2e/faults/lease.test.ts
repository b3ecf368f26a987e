import { kill } from 'node:process'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { recordOf, textOf } from '../../support/embedded/json.ts'
import type { Match } from '../../support/fault-proxy/faults.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy/proxy.ts'
import { whenSettled } from '../../support/model.ts'
import type { RunningOperator } from '../../support/operator.ts'
import { startWorld, type World } from '../../support/world.ts'
import { apart, expectNoAccident, ofTheLoop, scene, startOperatorAt, writes } from './support/site.ts'

/** One replica and its own way to the API server, on which its requests can be counted. */
type Replica = { readonly operator: RunningOperator; readonly proxy: FaultProxy }

const lease = '/apis/coordination.k8s.io/v1/namespaces/kleym-system/leases/a558cee8.sonda.red'
const leaseMs = 15_000
const byTheLoop: Match = { method: writes, path: ofTheLoop }
const writesOf = ({ proxy }: Replica): number => proxy.passed(byTheLoop)

let world: World
let replicas: readonly [Replica, Replica]
const stack = new AsyncDisposableStack()

async function startReplica(): Promise<Replica> {
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  const operator = await startOperatorAt(await proxy.kubeconfig(world.api.token), '--leader-elect')
  stack.defer(async () => {
    await operator.stop('SIGKILL')
  })
  return { operator, proxy }
}

/** Which of the two holds the Lease, and which waits for it. */
async function roles(): Promise<{ readonly leader: Replica; readonly standby: Replica }> {
  const [a, b] = replicas
  const leading = /"msg":"leading"/g
  const terms = ({ operator }: Replica): number => operator.log().match(leading)?.length ?? 0
  await vi.waitUntil(() => terms(a) + terms(b) > 0, { timeout: 30_000 })
  return terms(a) > terms(b) ? { leader: a, standby: b } : { leader: b, standby: a }
}

const holder = async (): Promise<string> =>
  textOf(recordOf((await world.client.get(lease)).body['spec'])['holderIdentity'])

let round = 0
/** Bindings that the loop has to write for. */
async function edit(count = 1): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    round += 1
    await world.put(apart(`b-${round}`))
  }
}

beforeAll(async () => {
  world = stack.use(await startWorld())
  for (const manifest of scene) await world.put(manifest)
  replicas = await Promise.all([startReplica(), startReplica()])
  await Promise.all(replicas.map(({ operator }) => operator.ready()))
})
afterAll(() => stack.disposeAsync())
afterEach(() => {
  for (const { operator } of replicas)
    expectNoAccident(operator.log().replaceAll(/.*leadership was lost.*/g, ''))
})

test('of two replicas exactly one reconciles', async () => {
  const { leader, standby } = await roles()
  await edit(5)
  await whenSettled(world)
  expect(writesOf(leader)).toBeGreaterThanOrEqual(4 * 5)
  expect(writesOf(standby)).toBe(0)
})

test('a leader that was frozen in the midst of its work past its Lease writes nothing when it wakes', async () => {
  const { leader, standby } = await roles()
  const frozen = await holder()
  // When the watch is back, all edits come at once: there is more work than workers, and connections are still being made.
  leader.proxy.cutWatches({ path: new RegExp(bindingResource.plural) })
  await edit(40)
  const slow = leader.proxy.faults.inject(byTheLoop, { kind: 'slow', ms: 200 }, Infinity)
  await vi.waitUntil(() => slow.hits() > 0, { timeout: 10_000, interval: 1 })
  kill(leader.operator.pid, 'SIGSTOP')
  const began = performance.now()
  try {
    await vi.waitUntil(() => writesOf(standby) > 0, { timeout: 40_000 })
    expect(performance.now() - began).toBeGreaterThan(leaseMs - 5000)
    // What the leader sent before it was frozen has arrived long ago.
    const before = writesOf(leader)
    await whenSettled(world)
    expect(await holder()).not.toBe(frozen)
    kill(leader.operator.pid, 'SIGCONT')
    // The leader that was frozen learns of these edits, too, and still has the work that it was at.
    await edit(5)
    await whenSettled(world)
    await vi.waitUntil(() => leader.operator.log().includes('leadership was lost'), { timeout: 10_000 })
    expect(writesOf(leader)).toBe(before)
  } finally {
    kill(leader.operator.pid, 'SIGCONT')
    leader.proxy.faults.clear()
  }
})

test('a leader that is told to end hands over at once, to one that need not list first', async () => {
  const leading = await holder()
  const [a, b] = replicas
  await vi.waitUntil(() => a.proxy.openWatches() === b.proxy.openWatches(), { timeout: 10_000 })
  const marker = writesOf(a)
  await edit()
  await whenSettled(world)
  const [leader, standby] = writesOf(a) > marker ? [a, b] : [b, a]
  const before = { writes: writesOf(standby), lists: listsOf(standby) }
  const began = performance.now()
  const ended = leader.operator.stop()
  await vi.waitUntil(async () => ![leading, ''].includes(await holder()), { timeout: 20_000, interval: 10 })
  const ms = performance.now() - began
  expect(await ended).toBe(0)
  await edit()
  await whenSettled(world)
  // A candidate looks at the Lease every 2 s or a little later.
  expect(ms).toBeLessThan(leaseMs / 2)
  expect(writesOf(standby)).toBeGreaterThan(before.writes)
  expect(listsOf(standby)).toBe(before.lists)
  expect(await world.find(bindingResource, { namespace: 'default', name: `b-${round}` })).toBeDefined()
})

const listsOf = ({ proxy }: Replica): number =>
  proxy.passed({ method: 'GET', watch: false, path: /^\/apis\/[^/]+\/[^/]+\/[^/?]+\?/ })
