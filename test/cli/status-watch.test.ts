import { expect, onTestFinished, test } from 'vitest'
import { objectOr } from '../../src/core/json.ts'
import { bindingResource, crdName, definitionResource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { installDefinitions } from '../demo/cluster.ts'
import { binding } from '../support/builders.ts'
import { createClient } from '../support/embedded/client.ts'
import { startEmbedded } from '../support/embedded/server.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy/proxy.ts'
import type { Manifest } from '../support/vectors.ts'
import { watchStatus, type WatchedStatus } from './program.ts'

type Watched = {
  readonly looking: WatchedStatus
  readonly proxy: FaultProxy
  /** Of the API server itself. */
  readonly client: ReturnType<typeof createClient>
  readonly create: (object: Manifest) => Promise<void>
}

/** `kleym status -w` behind a fault proxy, after its first report, once its watches are open. */
async function watched(): Promise<Watched> {
  const undo = new AsyncDisposableStack()
  onTestFinished(() => undo.disposeAsync())
  const api = await startEmbedded()
  undo.defer(api.stop)
  const client = createClient(api)
  undo.defer(client.close)
  await installDefinitions(client)
  const proxy = await startFaultProxy(api)
  undo.defer(proxy.stop)
  const looking = undo.use(watchStatus(['-n', 'default', '--kubeconfig', await proxy.kubeconfig(api.token)]))
  await expect.poll(looking.printed, soon).toContain('  there is no InferenceIdentityBinding\n')
  await expect.poll(() => proxy.openWatches(bindings), soon).toBe(1)
  return {
    looking,
    proxy,
    client,
    create: async (object) => {
      const reply = await client.post(resourcePath(bindingResource, { namespace: 'default' }), object)
      expect(reply.code).toBe(201)
    },
  }
}

const soon = { timeout: 60_000, interval: 20 }
const bindings = { path: /\/inferenceidentitybindings\?/ }
/** The watch of the definition of bindings, and reads of it by name. */
const definitions = { path: /\/customresourcedefinitions\?.*inferenceidentitybindings/ }
const definition = { path: /\/customresourcedefinitions\/inferenceidentitybindings/ }
const operators = { path: /\/deployments\?/ }
/** Lists of what is followed. */
const followed = { path: /\/inferenceidentitybindings\?.*limit=100/ }
/** Lists of the command itself; those of a reflector have smaller pages. */
const lists = { path: /\/inferenceidentitybindings\?.*limit=500/ }

test('a change is printed because a watch tells of it: nothing is listed again', async () => {
  const { looking, proxy, create } = await watched()
  const listed = proxy.passed(lists)
  for (const name of ['a', 'b', 'c']) {
    await create(binding({ name }))
    await expect.poll(looking.printed, soon).toMatch(new RegExp(`^\\+   default +${name} `, 'm'))
  }
  expect(proxy.passed(lists)).toBe(listed)
})

test('a new schema of a kind is heard of by a watch: what is known of the kind is listed anew, and its definition is not read', async () => {
  const { proxy, client } = await watched()
  await expect.poll(() => proxy.openWatches(definitions), soon).toBe(1)
  const [read, listed] = [proxy.passed(definition), proxy.passed(followed)]
  const path = `${resourcePath(definitionResource)}/${crdName(bindingResource)}`
  const { body } = await client.get(path)
  const { spec, ...rest } = body
  const { versions, ...others } = objectOr(spec)
  const described = (Array.isArray(versions) ? versions : []).map((one: unknown) => ({
    ...objectOr(one),
    additionalPrinterColumns: [],
  }))
  expect((await client.put(path, { ...rest, spec: { ...others, versions: described } })).code).toBe(200)
  await expect.poll(() => proxy.passed(followed), soon).toBeGreaterThan(listed)
  // Until the next look, and the one after that.
  const deployments = proxy.passed(operators)
  await expect.poll(() => proxy.passed(operators), soon).toBeGreaterThan(deployments + 1)
  expect(proxy.passed(definition)).toBe(read)
})

test('an API server that goes and comes back: both are said once, and then changes are printed again', async () => {
  const { looking, proxy, create } = await watched()
  await proxy.down()
  await expect.poll(looking.warned, soon).toContain('kleym: goes on trying\n')
  await create(binding({ name: 'meanwhile' }))
  await proxy.up()
  await expect.poll(looking.printed, soon).toContain('meanwhile')
  await create(binding({ name: 'later' }))
  await expect.poll(looking.printed, soon).toContain('later')
  expect(looking.warned().match(/goes on trying|answers again/g)).toEqual(['goes on trying', 'answers again'])
})

test('while it can follow nothing, it lists', async () => {
  const { looking, proxy, create } = await watched()
  const refused = { kind: 'status', code: 503 } as const
  proxy.faults.inject({ ...bindings, watch: true }, refused, Infinity)
  proxy.faults.inject({ path: /\/inferenceidentitybindings\?.*limit=100/ }, refused, Infinity)
  proxy.cutWatches(bindings)
  await create(binding({ name: 'unwatched' }))
  await expect.poll(looking.printed, soon).toContain('unwatched')
})

test('it dies by the signal that ends it, as shells expect of a program that is interrupted', async () => {
  const { looking } = await watched()
  expect(await looking.end('SIGINT')).toBe('SIGINT')
  expect(looking.warned()).toBe('')
})
