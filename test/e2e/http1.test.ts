import { afterAll, beforeAll, expect, test } from 'vitest'
import { bindingResource, optionalResources } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { textOf } from '../support/embedded/json.ts'
import { describeReal } from '../support/real.ts'
import { startFleet, type Fleet } from './replicas/support/fleet.ts'
import { startCluster, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { poolOnly } from './support/manifests.ts'
import { webhooksAreAsked } from './support/webhook.ts'

/** Calls at once: more than the 25 idle connections that the API server keeps for a host. */
const atOnce = 50

const path = `${resourcePath(bindingResource, { namespace: 'default' })}?dryRun=All`

describeReal('over HTTP/1.1, as API servers call', () => {
  let cluster: Cluster
  let fleet: Fleet

  beforeAll(async () => {
    cluster = await startCluster()
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'strict')
    fleet = await startFleet(cluster.plane.kubeconfig, 1)
    await webhooksAreAsked(cluster)
  })
  afterAll(async () => {
    await fleet.stop()
    await cluster.stop()
  })

  /** Creates a binding. Undefined if it was admitted, else the message of the refusal. */
  const create = async (name: string): Promise<string | undefined> => {
    const { code, body } = await cluster.client.post(path, { ...poolOnly({ name, namespace: 'default' }) })
    return code === 201 ? undefined : textOf(body['message'])
  }

  test('calls one after another come on connections that are there', async () => {
    await create('first')
    const before = fleet.balancer.connections()
    for (let count = 0; count < 50; count += 1) expect(await create(`one-${count}`)).toBe(undefined)
    expect(fleet.balancer.connections() - before).toBeLessThanOrEqual(5)
  })

  test('more calls at once than it keeps connections bring handshakes, and none of them fails', async () => {
    const before = fleet.balancer.connections()
    for (let round = 0; round < 3; round += 1) {
      const names = Array.from({ length: atOnce }, (_, index) => `many-${round}-${index}`)
      expect(new Set(await Promise.all(names.map(create)))).toEqual(new Set([undefined]))
    }
    expect(fleet.balancer.connections() - before).toBeGreaterThan(atOnce / 2)
  })

  test('a replica that drains sends its clients away with their answers, and no call fails', async () => {
    const [old] = fleet.replicas()
    if (!old) throw new Error('there is no replica')
    await fleet.grow()
    const said = new Set<string | undefined>()
    const over = new AbortController()
    const load = async (worker: number): Promise<void> => {
      for (let count = 0; !over.signal.aborted; count += 1) said.add(await create(`drain-${worker}-${count}`))
    }
    const loads = Array.from({ length: 8 }, (_, worker) => load(worker))
    expect(await fleet.retire(old)).toBe(0)
    over.abort()
    await Promise.all(loads)
    expect(said).toEqual(new Set([undefined]))
  })
})
