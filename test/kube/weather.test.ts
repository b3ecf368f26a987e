import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  oneof,
  record,
} from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type Client, type ClientOptions, createClient, resourcePath } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { decodeObject } from '../../src/kube/object.ts'
import { Reflector } from '../../src/kube/reflector.ts'
import { listOf, recordOf } from '../support/embedded/json.ts'
import { startEmbedded } from '../support/embedded/server.ts'
import type { Fault } from '../support/fault-proxy/faults.ts'
import { startFaultProxy } from '../support/fault-proxy/proxy.ts'
import { soon } from './scripted.ts'

const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }
const at = { namespace: 'default' }

type Step =
  | { readonly kind: 'write' | 'delete'; readonly name: string }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'cutWatches' | 'silenceWatches' | 'expireWatches' | 'forgetHistory' | 'outage' | 'calm' }

const name = constantFrom('a', 'b', 'c', 'd', 'e')

const fault = constantFrom<Fault>(
  { kind: 'status', code: 500 },
  { kind: 'status', code: 429, retryAfterSeconds: 0 },
  { kind: 'expired' },
  { kind: 'reset' },
  { kind: 'lostResponse' },
  { kind: 'silence' },
)

const step: Arbitrary<Step> = oneof(
  { weight: 4, arbitrary: record({ kind: constant('write'), name }) },
  { weight: 2, arbitrary: record({ kind: constant('delete'), name }) },
  { weight: 2, arbitrary: record({ kind: constant('fault'), fault }) },
  record({
    kind: constantFrom('cutWatches', 'silenceWatches', 'expireWatches', 'forgetHistory', 'outage', 'calm'),
  }),
)

/** The API server, the weather in front of it, and a reflector behind that. */
async function arrange() {
  await using stack = new AsyncDisposableStack()
  const server = await startEmbedded({ bookmarkEveryMs: 50 })
  stack.defer(() => server.stop())
  const proxy = await startFaultProxy(server)
  stack.defer(() => proxy.stop())
  const connect = (kubeconfig: string, options: ClientOptions = {}) => {
    const client = createClient(loadKubeConfig({ kubeconfig }), options)
    stack.defer(() => client.close())
    return client
  }
  const direct = connect(server.kubeconfig)
  const through = connect(await proxy.kubeconfig(server.token), { timeoutMs: 200 })
  const own = stack.move()

  async function watching() {
    const known = new Map<string, string>()
    const mistakes: string[] = []
    const reflector = new Reflector({
      client: through,
      resource: leases,
      ...at,
      handler: {
        upserted({ metadata }) {
          const uid = known.get(metadata.name)?.split('@')[0]
          if (uid !== undefined && uid !== metadata.uid) mistakes.push(`${metadata.name} has another uid`)
          known.set(metadata.name, `${metadata.uid}@${metadata.resourceVersion}`)
        },
        removed({ name: gone, uid }) {
          if (known.get(gone)?.split('@')[0] !== uid) mistakes.push(`${gone} was removed, but was not known`)
          known.delete(gone)
        },
        synced() {},
      },
      timings: {
        pageSize: 2,
        backoff: { fromMs: 1, toMs: 20 },
        idleMs: 200,
        resumeWithinMs: 30,
        shortWatchMs: 1,
      },
    })
    reflector.start()
    return { known, mistakes, reflector }
  }
  return { server, proxy, direct, watching, [Symbol.asyncDispose]: () => own.disposeAsync() }
}

async function write(client: Client, wanted: string) {
  const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: wanted }, spec: {} }
  const created = await client.call({ method: 'POST', path: resourcePath(leases, at), body })
  if (created.kind === 'ok') return
  const path = resourcePath(leases, { ...at, name: wanted })
  const patch = { spec: { holderIdentity: String(performance.now()) } }
  expect(await client.call({ method: 'PATCH', path, body: patch })).toMatchObject({ kind: 'ok' })
}

async function take({ server, proxy, direct }: Awaited<ReturnType<typeof arrange>>, action: Step) {
  switch (action.kind) {
    case 'write':
      return write(direct, action.name)
    case 'delete':
      return direct.call({ method: 'DELETE', path: resourcePath(leases, { ...at, name: action.name }) })
    case 'fault':
      return proxy.faults.inject({}, action.fault)
    case 'cutWatches':
    case 'silenceWatches':
    case 'expireWatches':
      return proxy[action.kind]()
    case 'forgetHistory':
      return server.forgetHistory()
    case 'outage':
      await proxy.down()
      return proxy.up()
    case 'calm':
      return vi.waitUntil(() => proxy.openWatches() === 1, soon)
  }
}

async function held(client: Client): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const answer = await client.call({ method: 'GET', path: resourcePath(leases, at) })
  if (answer.kind !== 'ok') throw new Error('the embedded server did not answer')
  for (const item of listOf(recordOf(answer.body)['items'])) {
    const object = decodeObject(item)
    if (object) found.set(object.metadata.name, `${object.metadata.uid}@${object.metadata.resourceVersion}`)
  }
  return found
}

test('whatever the weather, a reflector ends up knowing just what the server has', async () => {
  await using rig = await arrange()
  await assert(
    asyncProperty(array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const { known, mistakes, reflector } = await rig.watching()
      try {
        for (const action of steps) await take(rig, action)
        rig.proxy.faults.clear()
        await expect.poll(() => reflector.synced, soon).toBe(true)
        await expect.poll(() => known, soon).toEqual(await held(rig.direct))
        expect(mistakes).toEqual([])
      } finally {
        await reflector.stop()
      }
    }),
    { numRuns: 40 },
  )
})
