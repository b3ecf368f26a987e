import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { finalizer } from '../../../src/core/binding.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { binding, clusterSpiffeId, objective, pool, poolOnly } from '../../support/builders.ts'
import type { WatchEvent } from '../../support/embedded/client.ts'
import { listOf, recordOf, type Json } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { metaOf } from '../support/cluster.ts'
import { nameIn, record } from '../support/recording.ts'
import { named, poolOutputName } from './support/outputs.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventually, newTenant, versionOf, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'
const keeper = 'example.org/keeps-it'

const finalizersOf = (object: Json | undefined): readonly unknown[] =>
  listOf(metaOf(object ?? {})['finalizers'])

const isDeletionOf =
  (name: string) =>
  (event: WatchEvent): boolean =>
    event.type === 'DELETED' && nameIn(event) === name

const long = (length: number, end: string): string =>
  `${'long-name.'.repeat(26).slice(0, length - end.length)}${end}`

describeReal('a binding that is deleted', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.stop())

  const withOutput = async (): Promise<{ readonly tenant: Tenant; readonly output: string }> => {
    const tenant = await newTenant(stage.cluster)
    await tenant.has(pool(), objective(), binding())
    await tenant.settles({ chat: ready })
    return { tenant, output: String(metaOf(await tenant.output('chat'))['name']) }
  }

  describe.concurrent('with an output', () => {
    test('goes after it', async () => {
      const { tenant, output } = await withOutput()
      const outputs = await record(stage.cluster, clusterSpiffeIdResource)
      const bindings = await record(stage.cluster, bindingResource, tenant.namespace)
      await tenant.loses(binding())
      await tenant.isGone(binding())
      const child = (await outputs.until(isDeletionOf(output))).find(isDeletionOf(output))
      const parent = (await bindings.until(isDeletionOf('chat'))).find(isDeletionOf('chat'))
      outputs.stop()
      bindings.stop()
      expect(versionOf(child?.object ?? {})).toBeLessThan(versionOf(parent?.object ?? {}))
    })

    test('keeps its finalizer until none is left, not just until it is being deleted', async () => {
      const { tenant, output } = await withOutput()
      await tenant.changes(named(output), { metadata: { finalizers: [keeper] } })
      await tenant.loses(binding())
      await eventually(async () => {
        const metadata = metaOf((await tenant.find(named(output))) ?? {})
        expect(metadata).toHaveProperty('deletionTimestamp')
      })
      // What was marked later is Ready by then, so this one has had its turn again.
      await tenant.has(binding({ name: 'later', spec: { containerName: 'sidecar' } }))
      await tenant.settles({ later: ready })
      expect(finalizersOf(await tenant.find(binding()))).toContain(finalizer)
      await tenant.changes(named(output), { metadata: { finalizers: null } })
      await tenant.isGone(binding())
      expect(await tenant.find(named(output))).toBeUndefined()
    })

    test('gets no new one while the finalizer of somebody else keeps it', async () => {
      const { tenant, output } = await withOutput()
      await tenant.changes(binding(), { metadata: { finalizers: [finalizer, keeper] } })
      await tenant.loses(binding())
      await eventually(async () => expect(finalizersOf(await tenant.find(binding()))).toEqual([keeper]))
      await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
      await tenant.has(binding({ name: 'later', spec: { containerName: 'sidecar' } }))
      await tenant.settles({ later: ready })
      expect(await tenant.find(named(output))).toBeUndefined()
      expect(finalizersOf(await tenant.find(binding()))).toEqual([keeper])
      await tenant.changes(binding(), { metadata: { finalizers: null } })
      expect(await tenant.find(binding())).toBeUndefined()
    })

    test('whose finalizer somebody has taken away leaves no output behind', async () => {
      const { tenant, output } = await withOutput()
      await tenant.changes(binding(), { metadata: { finalizers: null } })
      await tenant.loses(binding())
      await tenant.isGone(binding())
      await eventually(async () => expect(await tenant.find(named(output))).toBeUndefined())
    })
  })

  describe.concurrent('without an output', () => {
    test.for([
      ['because its pool was never there', binding({ spec: { poolRef: { name: 'none' } } })],
      ['because it was not to have one', binding({ spec: { objectiveRef: { name: 'none' } } })],
    ] as const)('goes at once, %s', async ([, manifest]) => {
      const tenant = await newTenant(stage.cluster)
      await tenant.has(pool(), manifest)
      await eventually(async () => expect(finalizersOf(await tenant.find(binding()))).toContain(finalizer))
      await tenant.loses(binding())
      await eventually(async () => expect(await tenant.find(binding())).toBeUndefined())
    })

    test('because it collides goes at once', async () => {
      const tenant = await newTenant(stage.cluster)
      await tenant.has(pool(), objective(), binding({ name: 'a' }), binding({ name: 'b' }))
      await tenant.settles({ a: 'Conflict/IdentityCollision', b: 'Conflict/IdentityCollision' })
      await tenant.loses(binding({ name: 'a' }), binding({ name: 'b' }))
      await Promise.all(['a', 'b'].map((name) => tenant.isGone(binding({ name }))))
      expect([...(await tenant.outputs('a')), ...(await tenant.outputs('b'))]).toEqual([])
    })

    test('because another object has its name goes, and leaves that alone', async () => {
      const tenant = await newTenant(stage.cluster)
      const name = poolOutputName(tenant.namespace, 'chat', 'chat')
      await tenant.has(clusterSpiffeId(name), pool(), poolOnly())
      await tenant.settles({ chat: 'RenderFailure/ManagedOutputApplyFailed' })
      const before = await tenant.find(named(name))
      await tenant.loses(poolOnly())
      await tenant.isGone(poolOnly())
      expect(await tenant.find(named(name))).toEqual(before)
    })
  })

  describe.concurrent('and created in quick succession', () => {
    test('leaves nothing behind, however early it is deleted', async () => {
      const tenant = await newTenant(stage.cluster)
      await tenant.has(pool(), objective())
      const names = Array.from({ length: 20 }, (_, index) => `chat-${index}`)
      await Promise.all(
        names.map(async (name) => {
          await tenant.has(binding({ name, spec: { containerName: name } }))
          await tenant.loses(binding({ name }))
        }),
      )
      await Promise.all(names.map((name) => tenant.isGone(binding({ name }))))
      // A binding that is deleted while it gets its finalizer can be gone with it: its output is then an orphan.
      await eventually(async () => {
        const left = (await stage.cluster.list(clusterSpiffeIdResource)).filter((output) =>
          String(recordOf(output['spec'])['hint']).startsWith(`${tenant.namespace}/`),
        )
        expect(left).toEqual([])
      })
    })

    test('under the same name has an output of its own', async () => {
      const { tenant, output } = await withOutput()
      const uid = metaOf(await tenant.output('chat'))['uid']
      await tenant.loses(binding())
      await tenant.isGone(binding())
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      expect(metaOf(await tenant.output('chat'))).toMatchObject({ name: output })
      expect(metaOf(await tenant.output('chat'))['uid']).not.toBe(uid)
    })
  })

  describe.concurrent('with a name of up to 253 characters', () => {
    test.for([63, 64, 200, 253])('has been Ready: %i', async (length) => {
      const tenant = await newTenant(stage.cluster)
      const name = long(length, 'z')
      await tenant.has(pool(), objective(), binding({ name }))
      await tenant.settles({ [name]: ready })
      expect(await tenant.events(name)).toEqual(['Reconciled'])
      const output = named(metaOf(await tenant.output(name))['name'])
      await tenant.loses(binding({ name }))
      await tenant.isGone(binding({ name }))
      expect(await tenant.find(output)).toBeUndefined()
    })

    test('leaves those alone whose names differ in the last character', async () => {
      const tenant = await newTenant(stage.cluster)
      const [gone, ...stay] = ['x', 'y', 'z'].map((end) => long(253, end))
      await tenant.has(pool())
      const names = [String(gone), ...stay]
      for (const name of names) await tenant.has(poolOnly({ name }))
      await tenant.settles(Object.fromEntries(names.map((name) => [name, ready])))
      const before = await Promise.all(stay.map(tenant.output))
      await tenant.loses(poolOnly({ name: String(gone) }))
      await tenant.isGone(poolOnly({ name: String(gone) }))
      expect(await Promise.all(stay.map(tenant.output))).toEqual(before)
    })
  })
})
