import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
  eventResource,
} from '../../src/core/resources.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { listOf, recordOf, textOf, type Json } from '../support/embedded/json.ts'
import { startFaultProxy } from '../support/fault-proxy/proxy.ts'
import { startLoop, type Loop } from '../support/loop.ts'
import { whenSettled } from '../support/model.ts'
import { metaOf, startWorld, type World } from '../support/world.ts'

const chat = { namespace: 'default', name: 'chat' }

/** For a moment after a CustomResourceDefinition has changed an API server may still answer by the former schema. */
describe('while the schema of bindings is fresh', () => {
  let world: World
  let loop: Loop
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await startWorld())
    for (const one of [pool(), objective(), binding()]) await world.put(one)
  })
  afterEach(() => stack.disposeAsync())

  /** Resolves once the loop has settled, and then knows that the kind has another schema. */
  const startWith = async (schemaSettlesMs: number): Promise<void> => {
    loop = startLoop({ kubeconfig: world.api.kubeconfig, schemaSettlesMs })
    stack.defer(() => loop.stop())
    await whenSettled(world)
    await world.patch(
      definitionResource,
      { name: crdName(bindingResource) },
      { spec: { preserveUnknownFields: false } },
    )
    await vi.waitUntil(loop.isSchemaFresh, { timeout: 10_000 })
  }
  const outputOf = async (name: string): Promise<string | undefined> =>
    (await world.list(clusterSpiffeIdResource))
      .map(metaOf)
      .filter((metadata) => textOf(metadata['name']).includes(`-${name}-`))
      .map(({ uid }) => textOf(uid))[0]
  const other = binding({ name: 'other', spec: { containerName: 'other' } })
  const changes: readonly (readonly [string, Json])[] = [
    ['is not withdrawn', { objectiveRef: null }],
    ['is not replaced', { serviceAccountName: 'another' }],
  ]

  test.for(changes)('an identity %s, and others are given', async ([, spec]) => {
    await startWith(60_000)
    const before = await outputOf('chat')
    await world.patch(bindingResource, chat, { spec })
    await world.put(other)
    await vi.waitUntil(() => outputOf('other'), { timeout: 10_000 })
    // The run of the binding that was changed first is over.
    expect(await outputOf('chat')).toBe(before)
    expect(before).toBeDefined()
  })

  test('a change that is put off for ten seconds is reported', { timeout: 60_000 }, async () => {
    await startWith(60_000)
    await world.patch(bindingResource, chat, { spec: { serviceAccountName: 'another' } })
    const said = async (): Promise<boolean> =>
      (await world.list(eventResource)).some(
        ({ reason, note }) =>
          reason === 'Retrying' && textOf(note).includes('the ClusterSPIFFEID stays as it is'),
      )
    await vi.waitUntil(said, { timeout: 30_000, interval: 200 })
  })

  test.for(changes)('what %s then is afterwards, where it still reads so', async ([, spec]) => {
    await startWith(1_000)
    await world.patch(bindingResource, chat, { spec })
    await whenSettled(world)
  })
})

/** Such as v0.11 of the former operator: a spec has no mode. */
const modeless = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: { poolRef: { type: 'object' } },
      'x-kubernetes-preserve-unknown-fields': true,
    },
  },
  'x-kubernetes-preserve-unknown-fields': true,
}

test('once another contract has given way to ours, no identity is withdrawn before the bindings are listed', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  for (const one of [pool(), objective(), binding()]) await world.put(one)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  const loop = startLoop({ kubeconfig: await proxy.kubeconfig(world.api.token) })
  stack.defer(() => loop.stop())
  await whenSettled(world)
  const outputs = (): Promise<readonly Json[]> => world.list(clusterSpiffeIdResource)
  const before = await outputs()
  const [{ uid, name } = {}] = before.map(metaOf)
  expect(uid).toBeDefined()

  const at = { name: crdName(bindingResource) }
  const ours = recordOf((await world.find(definitionResource, at))?.['spec'])
  const versions = listOf(ours['versions']).map((version) => ({
    ...recordOf(version),
    schema: { openAPIV3Schema: modeless },
  }))
  await world.patch(definitionResource, at, { spec: { versions } })
  await vi.waitUntil(() => loop.hindrance()?.includes('no spec.mode'), { timeout: 10_000 })
  const lists = proxy.faults.inject(
    { path: /\/inferenceidentitybindings(\?|$)/ },
    { kind: 'status', code: 500 },
    Infinity,
  )
  await world.patch(definitionResource, at, { spec: { versions: ours['versions'] } })
  await vi.waitUntil(() => lists.hits() > 0, { timeout: 10_000 })
  // The loop looks at what an output belongs to when somebody edits the output.
  const runs = loop.runs()
  await world.patch(clusterSpiffeIdResource, { name: textOf(name) }, { spec: { hint: 'another' } })
  await vi.waitUntil(() => loop.runs() > runs, { timeout: 10_000 })
  expect((await outputs()).map(metaOf)).toMatchObject([{ uid }])
  lists.lift()
  await vi.waitUntil(() => loop.hindrance() === undefined, { timeout: 10_000 })
  await whenSettled(world)
  expect((await outputs()).map(metaOf)).toMatchObject([{ uid }])
})

test('a kind that is only described anew is not listed again', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  for (const one of [pool(), objective(), binding()]) await world.put(one)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  const loop = startLoop({
    kubeconfig: await proxy.kubeconfig(world.api.token),
    schemaSettlesMs: 300_000,
    // No list for want of news.
    timings: { nudgeMs: 300_000, idleMs: 300_000, watchSeconds: { from: 300, to: 300 } },
  })
  stack.defer(() => loop.stop())
  await whenSettled(world)
  const lists = ({ plural }: { readonly plural: string }): number =>
    proxy.passed({ method: 'GET', path: new RegExp(`/${plural}\\?`), watch: false })
  const before = [lists(clusterSpiffeIdResource), lists(bindingResource)]
  const outputs = await definitionOf(world, clusterSpiffeIdResource)
  await world.patch(definitionResource, outputs.at, {
    spec: { versions: outputs.versions('described anew') },
  })
  // The definitions are watched together, so this change is heard of after the other one.
  const bindings = { name: crdName(bindingResource) }
  await world.patch(definitionResource, bindings, { spec: { preserveUnknownFields: false } })
  await vi.waitUntil(() => lists(bindingResource) > (before[1] ?? 0), { timeout: 10_000 })
  expect(lists(clusterSpiffeIdResource)).toBe(before[0])
})

/** A CustomResourceDefinition, and its versions with a schema that is described in other words. */
async function definitionOf(world: World, resource: Parameters<typeof crdName>[0]) {
  const at = { name: crdName(resource) }
  const spec = recordOf((await world.find(definitionResource, at))?.['spec'])
  const versions = (description: string): readonly Json[] =>
    listOf(spec['versions'])
      .map(recordOf)
      .map(({ schema, ...version }) => ({
        ...version,
        schema: { openAPIV3Schema: { ...recordOf(recordOf(schema)['openAPIV3Schema']), description } },
      }))
  return { at, versions }
}
