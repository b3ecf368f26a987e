import { once } from 'node:events'
import { connect } from 'node:http2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  bindingResource,
  clusterSpiffeIdResource,
  objectiveResources,
  poolResources,
} from '../../../src/core/resources.ts'
import { objective, pool } from '../../support/builders.ts'
import type { Client } from '../../support/embedded/client.ts'
import { recordOf } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { resourceOf } from '../../support/vectors.ts'
import { claims, collectAsIfLater } from '../support/claims.ts'
import { createNamespace, metaOf, startCluster, until, type Cluster } from '../support/cluster.ts'
import { serveBindings, serveOnly } from '../support/kinds.ts'
import { startAnotherApiServer, type ApiServer } from './support/api-servers.ts'
import { isReady, startFleet, type Fleet } from './support/fleet.ts'
import { startLoad } from './support/load.ts'
import { orderNamespace, raceOf, sets, type Round } from './support/order-race.ts'
import { createMovers, namespace, race } from './support/race.ts'

/** A thousand take minutes. */
const rounds = Number(process.env['KLEYM_RACE_ROUNDS'] ?? 60)

const timeout = 1_800_000

const served = [poolResources[0], objectiveResources[0], clusterSpiffeIdResource]

describeReal('three replicas behind one address', () => {
  let cluster: Cluster
  let second: ApiServer
  let fleet: Fleet
  let clients: readonly Client[]
  let round = 0

  beforeAll(async () => {
    cluster = await startCluster()
    await serveOnly(
      cluster,
      served.filter((one) => one !== undefined),
    )
    await serveBindings(cluster, 'strict')
    second = await startAnotherApiServer(cluster.plane)
    clients = [cluster.client, second.client]
    for (const home of [namespace, 'load', orderNamespace]) {
      await createNamespace(cluster, home)
      for (const manifest of [pool({ namespace: home }), objective({ namespace: home })])
        await cluster.create(resourceOf(manifest), manifest)
    }
    fleet = await startFleet(cluster.plane.kubeconfig, 3)
    await createMovers(cluster.client)
  })
  afterAll(async () => {
    await fleet.stop()
    await second.stop()
    await cluster.stop()
  })
  /** Keys that more than one binding has. */
  async function sharedKeys(): Promise<readonly unknown[]> {
    const all = await cluster.list(bindingResource, namespace)
    const keys = all.map((one) => recordOf(one['spec'])['containerName'])
    return keys.filter((key, index) => keys.indexOf(key) !== index)
  }

  /** Runs the next rounds. Returns those that did not end with one winner and seven losers. */
  async function upsetsIn(count: number, tryAgain: boolean): Promise<readonly unknown[]> {
    const upsets: unknown[] = []
    for (let end = round + count; round < end; round += 1) {
      const result = await race({ clients, round, tryAgain })
      if (result.admitted.length !== 1 || result.refused.length !== 7) upsets.push(result)
    }
    return upsets
  }

  test('exactly one of simultaneous creates and updates of a key is admitted', { timeout }, async () => {
    expect(await upsetsIn(rounds, false)).toEqual([])
    const denials = fleet.replicas().map((replica) => replica.log().split('"denied"').length - 1)
    expect(Math.min(...denials)).toBeGreaterThan(0)
    expect(await sharedKeys()).toEqual([])
  })

  test.for(Object.keys(sets))(
    'of what is wrong only together, %s, one is refused, or the loop says it within a second',
    { timeout },
    async (name, { annotate }) => {
      const results: Round[] = []
      for (let end = round + rounds; round < end; round += 1) {
        results.push(await raceOf(cluster, clients, sets[name]?.(round) ?? []))
        await fleet.balancer.cut()
      }
      const slipped = results.filter((one) => one.kind === 'slipped')
      const saidMs = slipped.map((one) => Math.round(one.saidMs))
      await annotate(`${slipped.length} of ${rounds} slipped; ms until each was said: ${saidMs.join(' ')}`)
      expect(results.filter(({ kind }) => kind === 'odd')).toEqual([])
      expect(saidMs.filter((ms) => ms > 1_000)).toEqual([])
    },
  )

  test('so it is while replicas are killed and start again', { timeout }, async () => {
    const over = new AbortController()
    let killed = 0
    const havoc = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const victim = fleet.replicas()[Math.floor(Math.random() * fleet.replicas().length)]
        if (victim) await fleet.kill(victim)
        killed += 1
        await fleet.grow()
      }
    }
    const racing = upsetsIn(Math.ceil(rounds / 2), true).finally(() => over.abort())
    expect(await Promise.allSettled([racing, havoc()])).toEqual([
      { status: 'fulfilled', value: [] },
      { status: 'fulfilled', value: undefined },
    ])
    expect(killed).toBeGreaterThan(0)
    expect(await sharedKeys()).toEqual([])
  })

  test('so it is while an API server is killed and starts again', { timeout }, async () => {
    const restarting = cluster.plane.restartApiServer()
    const upsets = await upsetsIn(Math.ceil(rounds / 20), true)
    await restarting
    for (const replica of fleet.replicas()) await until('a replica is ready again', () => isReady(replica))
    expect([...upsets, ...(await upsetsIn(Math.ceil(rounds / 20), false))]).toEqual([])
    expect(await sharedKeys()).toEqual([])
  })

  test('no call fails while replicas are replaced one after another', { timeout }, async () => {
    const load = startLoad(clients, 'load', 5)
    const codes: number[] = []
    for (const old of fleet.replicas()) {
      await fleet.grow()
      codes.push(await fleet.retire(old))
    }
    const failures = await load.stop()
    expect(failures).toEqual([])
    expect(codes).toEqual([0, 0, 0])
    expect(load.calls()).toBeGreaterThan(100)
  })

  test('a replica that is told to stop is unready first, and asks its HTTP/2 clients to leave', async () => {
    const replica = await fleet.grow()
    const session = connect(`https://127.0.0.1:${replica.webhookPort}`, { rejectUnauthorized: false })
    await once(session, 'connect')
    const readiness: Promise<boolean>[] = []
    session.once('goaway', () => void readiness.push(isReady(replica)))
    const closed = once(session, 'close')
    expect(await fleet.retire(replica)).toBe(0)
    await closed
    expect(await Promise.all(readiness)).toEqual([false])
  })

  test('each claim is that of a binding with the key, and none is left once all are stale', async () => {
    const held = await claims(cluster)
    expect(held.length).toBeGreaterThan(0)
    const names = new Set((await cluster.list(bindingResource)).map((one) => metaOf(one)['name']))
    expect(held.filter(({ holder }) => !names.has(holder.name))).toEqual([])
    await collectAsIfLater(cluster)
    expect(await claims(cluster)).toEqual([])
  })
})
