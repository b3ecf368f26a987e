import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
} from '../../src/core/resources.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { textOf, type Json } from '../support/embedded/json.ts'
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

  test.for(changes)('what %s then is afterwards, where it still reads so', async ([, spec]) => {
    await startWith(1_000)
    await world.patch(bindingResource, chat, { spec })
    await whenSettled(world)
  })
})
