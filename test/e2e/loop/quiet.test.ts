import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bindingResource, clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { binding, objective, pool, poolOnly } from '../../support/builders.ts'
import { freePort } from '../../support/controlplane/daemon.ts'
import { recordOf, without, type Json } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { resourceOf } from '../../support/vectors.ts'
import { bodyOf, metaOf } from '../support/cluster.ts'
import { told, tookEffect, type Audited } from './support/audit.ts'
import { logLines } from './support/log-lines.ts'
import { metric } from './support/metrics.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventsOn, eventually, newTenant, type Tenant } from './support/tenant.ts'
import { transitionSuite } from './support/transitions.ts'

const ready = 'Ready/Reconciled'
const collision = 'Conflict/IdentityCollision'

describeReal('nothing is written, announced or logged when nothing changed', () => {
  let stage: Stage
  let metrics: string
  /** Bindings of every kind of outcome. */
  let tenant: Tenant
  const names = ['a', 'b', 'c', 'd', 'e']

  beforeAll(async () => {
    metrics = `127.0.0.1:${await freePort()}`
    const args = [`--metrics-bind-address=${metrics}`, '--metrics-secure=false']
    stage = await openStage({ args })
    tenant = await newTenant(stage.cluster, 'quiet')
    await tenant.has(pool(), objective())
    await tenant.has(poolOnly({ name: 'a' }), binding({ name: 'b', spec: { containerName: 'other' } }))
    await tenant.has(binding({ name: 'c' }), binding({ name: 'd' }))
    await tenant.has(binding({ name: 'e', spec: { poolRef: { name: 'none' } } }))
    await tenant.settles({ a: ready, b: ready, c: collision, d: collision })
    await tenant.settles({ e: 'InvalidRef/TargetPoolNotFound' })
    // The operator announces outputs that nobody has processed for a minute, so these count as processed.
    for (const name of ['a', 'b']) await tenant.processed(name, { podsSelected: 1, entriesToSet: 1 })
  })
  afterAll(() => stage.stop())

  const snapshot = async (): Promise<unknown> => [
    await stage.cluster.list(bindingResource, tenant.namespace),
    await Promise.all(names.map(tenant.outputs)),
    await Promise.all(names.map((name) => eventsOn(stage.cluster, tenant.namespace, name))),
  ]
  /** Marks this moment; the functions that it gives tell what has happened since. */
  const marking = async () => {
    const [before, requests] = [await snapshot(), (await stage.audit.requests()).length]
    const lines = logLines(stage.operator().log()).length
    return {
      isUnchanged: async () => expect(await snapshot()).toEqual(before),
      writes: async (): Promise<readonly string[]> =>
        (await stage.audit.requests()).slice(requests).filter(isOurs).filter(tookEffect).map(told),
      lines: () => logLines(stage.operator().log()).slice(lines).filter(isAboutUs),
    }
  }
  /** Tests of other namespaces run meanwhile, and rightly cause lines and requests: these are left out. */
  const isAboutUs = ({ binding: key = tenant.namespace }: Json): boolean =>
    String(key).startsWith(tenant.namespace)
  const isOurs = ({ namespace, name }: Audited): boolean =>
    namespace === tenant.namespace || name.includes(tenant.namespace)

  /** Changes something in another namespace. Once the loop is done with that, it is done with everything before it. */
  const somethingElse = async (): Promise<void> => {
    const other = await newTenant(stage.cluster, 'other')
    await other.has(pool(), objective(), binding())
    await other.settles({ chat: ready })
    await other.loses(binding())
    await other.isGone(binding())
  }
  /** How often a binding was looked at. */
  const runs = (): Promise<number> => metric(metrics, 'kleym_reconcile_duration_seconds_count')
  /** A reflector that has failed to watch for a while tries again after up to half a minute. */
  const watchesAreOpen = (count: number): Promise<void> =>
    vi.waitFor(() => expect(stage.proxy.openWatches()).toBe(count), { timeout: 60_000, interval: 50 })

  const listAgain = async (): Promise<void> => {
    const lists = { method: 'GET', path: /[?&]limit=/ }
    const before = stage.proxy.passed(lists)
    const watches = stage.proxy.expireWatches()
    await eventually(() => expect(stage.proxy.passed(lists)).toBe(before + watches))
    await watchesAreOpen(watches)
  }

  test('over a restart', async () => {
    const since = await marking()
    expect(await stage.stopOperator()).toBe(0)
    const operator = await stage.startOperator()
    await eventually(async () => expect(await runs()).toBeGreaterThanOrEqual(names.length))
    await somethingElse()
    expect(await metric(metrics, 'kleym_identity_binding_outcomes_total')).toBe(1)
    await since.isUnchanged()
    expect(await since.writes()).toEqual([])
    const lines = logLines(operator.log())
    const known = lines.findIndex(({ msg }) => msg === 'everything is known')
    expect(known).toBeGreaterThan(0)
    // The lines that say that the operator has become ready are news, and allowed.
    const after = lines.slice(known + 1).filter(isAboutUs)
    expect(after.filter(({ probe }) => probe === undefined)).toEqual([])
  })

  test('over a list that is asked for again, since the watched version is too old', async () => {
    const since = await marking()
    await listAgain()
    await somethingElse()
    await since.isUnchanged()
    expect(await since.writes()).toEqual([])
  })

  test('over such a list, in the log', async () => {
    const since = await marking()
    await listAgain()
    expect(since.lines()).toEqual([])
  })

  test('over an API server that is killed and comes back', { timeout: 120_000 }, async () => {
    const since = await marking()
    const watches = stage.proxy.openWatches()
    await stage.cluster.plane.restartApiServer()
    await watchesAreOpen(watches)
    await somethingElse()
    await since.isUnchanged()
    expect(await since.writes()).toEqual([])
    // That the API server was away is news; that the bindings are as they were is not.
    expect(since.lines().filter(({ path }) => path === undefined)).toEqual([])
    expect(since.lines().filter(({ level }) => level === 'error')).toEqual([])
  })

  test('over heartbeats in the status of a pool: no binding is even looked at', async () => {
    const since = await marking()
    const before = await runs()
    const { namespace } = tenant
    const path = resourcePath(resourceOf(pool()), { namespace, name: 'chat', subresource: 'status' })
    const beats = 60
    for (let beat = 0; beat < beats; beat += 1)
      bodyOf(await stage.cluster.client.patch(path, { status: { parents: [{ beat }] } }), 'a heartbeat')
    await somethingElse()
    await since.isUnchanged()
    expect(await since.writes()).toEqual([])
    expect((await runs()) - before).toBeLessThan(beats)
  })

  test('over what SPIRE Controller Manager says of an output: no binding is even looked at', async () => {
    const before = await runs()
    const bindings = await stage.cluster.list(bindingResource, tenant.namespace)
    for (let pods = 1; pods <= 60; pods += 1)
      await tenant.processed('a', { podsSelected: pods, entriesToSet: pods })
    await somethingElse()
    expect(await stage.cluster.list(bindingResource, tenant.namespace)).toEqual(bindings)
    expect((await runs()) - before).toBeLessThan(60)
  })

  test('over what somebody else notes on a binding and its output', async () => {
    const note = { metadata: { annotations: { 'example.org/note': 'seen' } } }
    const [output] = await tenant.outputs('a')
    const before = stripped(await snapshot())
    const since = await marking()
    await Promise.all(names.map((name) => tenant.changes(binding({ name }), note)))
    const path = resourcePath(clusterSpiffeIdResource, { name: String(metaOf(output ?? {})['name']) })
    bodyOf(await stage.cluster.client.patch(path, note), 'a note')
    await somethingElse()
    expect(stripped(await snapshot())).toEqual(before)
    expect(await since.writes()).toEqual([])
    expect(since.lines()).toEqual([])
  })

  test('to bindings that a change does not concern: none of them is looked at', async () => {
    const [many, one] = [await newTenant(stage.cluster, 'many'), await newTenant(stage.cluster, 'one')]
    const crowd = Array.from({ length: 30 }, (_, index) => `chat-${index}`)
    await many.has(pool(), ...crowd.map((name) => poolOnly({ name })))
    await one.has(pool(), poolOnly())
    await many.settles(Object.fromEntries(crowd.map((name) => [name, ready])))
    await one.settles({ chat: ready })
    const before = await runs()
    await one.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
    await eventually(async () =>
      expect(await one.outputSpec('chat')).toMatchObject({ podSelector: { matchLabels: { app: 'other' } } }),
    )
    await one.settles({ chat: ready })
    expect((await runs()) - before).toBeGreaterThan(0)
    expect((await runs()) - before).toBeLessThan(crowd.length)
  })

  transitionSuite(() => stage)
})

/** A snapshot without the parts that an annotation on an object changes. */
const stripped = (snapshot: unknown): unknown =>
  JSON.parse(
    JSON.stringify(snapshot, (key, value: unknown) =>
      key === 'metadata'
        ? without(recordOf(value), 'resourceVersion', 'managedFields', 'annotations')
        : value,
    ),
  )
