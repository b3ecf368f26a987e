import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { binding, objective, pool } from '../../support/builders.ts'
import { recordOf } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { metaOf, until } from '../support/cluster.ts'
import { nameIn, record } from '../support/recording.ts'
import { named } from './support/outputs.ts'
import { referenceSuite } from './support/references.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventually, newTenant, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'
const collision = 'Conflict/IdentityCollision'
const noPool = 'InvalidRef/TargetPoolNotFound'
const keeper = 'example.org/keeps-it'

const on = (objectiveName: string, spec = {}) => ({ objectiveRef: { name: objectiveName }, ...spec })
const messageOf = (...peers: readonly string[]): string =>
  `identity collision with bindings ${peers.join(', ')}: PerObjective bindings must not share the same pod selector and container name`

describeReal('the loop follows every change', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.stop())

  /** Two bindings, each with an objective of its own, that claim one container. */
  const collided = async (): Promise<Tenant> => {
    const tenant = await newTenant(stage.cluster)
    await tenant.has(objective({ name: 'a' }), objective({ name: 'b' }))
    await tenant.has(binding({ name: 'a', spec: on('a') }), binding({ name: 'b', spec: on('b') }))
    await tenant.settles({ a: noPool, b: noPool })
    await tenant.has(pool())
    await tenant.settles({ a: collision, b: collision })
    return tenant
  }

  describe.concurrent('a former member of a collision recovers', () => {
    test('when its peer is deleted', async () => {
      const tenant = await collided()
      await tenant.loses(binding({ name: 'b' }))
      await tenant.settles({ a: ready })
      expect(await tenant.events('a')).toEqual([
        'TargetPoolNotFound',
        'IdentityCollision',
        'IdentityCollisionResolved',
        'Reconciled',
      ])
    })

    test('when its peer is edited, and so does the peer', async () => {
      const tenant = await collided()
      await tenant.changes(binding({ name: 'b' }), { spec: { containerName: 'sidecar' } })
      await tenant.settles({ a: ready, b: ready })
      expect((await tenant.outputSpec('b'))['workloadSelectorTemplates']).toContain(
        'k8s:container-name:sidecar',
      )
    })

    test("when the selector of its peer's pool changes", async () => {
      const tenant = await newTenant(stage.cluster)
      await tenant.has(pool(), pool({ name: 'other' }))
      await tenant.has(objective({ name: 'a' }), objective({ name: 'b', poolRef: { name: 'other' } }))
      const b = binding({ name: 'b', spec: on('b', { poolRef: { name: 'other' } }) })
      await tenant.has(binding({ name: 'a', spec: on('a') }), b)
      await tenant.settles({ a: collision, b: collision })
      await tenant.changes(pool({ name: 'other' }), { spec: { selector: { matchLabels: { app: 'other' } } } })
      await tenant.settles({ a: ready, b: ready })
      await tenant.changes(pool({ name: 'other' }), { spec: { selector: { matchLabels: { app: 'chat' } } } })
      await tenant.settles({ a: collision, b: collision })
      expect(await tenant.message('a')).toBe(messageOf('b'))
    })

    test("when its peer's objective disappears, and loses again when it comes back", async () => {
      const tenant = await collided()
      await tenant.loses(objective({ name: 'b' }))
      await tenant.settles({ a: ready, b: 'InvalidRef/TargetObjectiveNotFound' })
      await tenant.has(objective({ name: 'b' }))
      await tenant.settles({ a: collision, b: collision })
      expect(await tenant.message('b')).toBe(messageOf('a'))
    })

    test("when its peer's objective goes to another pool", async () => {
      const tenant = await collided()
      await tenant.changes(objective({ name: 'b' }), { spec: { poolRef: { name: 'elsewhere' } } })
      await tenant.settles({ a: ready, b: 'InvalidRef/InvalidObjectiveRef' })
      expect(await tenant.message('b')).toContain('elsewhere')
    })

    test('and becomes what it is by then, when its own objective went meanwhile', async () => {
      const tenant = await collided()
      await tenant.loses(objective({ name: 'a' }), binding({ name: 'b' }))
      await tenant.settles({ a: 'InvalidRef/TargetObjectiveNotFound' })
      expect(await tenant.events('a')).toEqual([
        'TargetPoolNotFound',
        'IdentityCollision',
        'IdentityCollisionResolved',
        'TargetObjectiveNotFound',
      ])
    })
  })

  describe.concurrent('a collision', () => {
    test('withdraws the incumbent when a newcomer comes past the webhook', async () => {
      const tenant = await newTenant(stage.cluster)
      await tenant.has(pool(), objective({ name: 'a' }), objective({ name: 'b' }))
      await tenant.has(binding({ name: 'a', spec: on('a') }))
      await tenant.settles({ a: ready })
      await tenant.has(binding({ name: 'b', spec: on('b') }))
      await tenant.settles({ a: collision, b: collision })
      expect(await tenant.message('a')).toBe(messageOf('b'))
      expect(await tenant.message('b')).toBe(messageOf('a'))
      expect(await tenant.events('a')).toEqual(['Reconciled', 'IdentityCollision'])
    })

    test('names to each member all its peers, as they come and go', async () => {
      const tenant = await collided()
      const says = (name: string, ...peers: readonly string[]) =>
        eventually(async () => expect(await tenant.message(name)).toBe(messageOf(...peers)))
      await tenant.has(objective({ name: 'c' }), binding({ name: 'c', spec: on('c') }))
      await Promise.all([says('a', 'b', 'c'), says('b', 'a', 'c'), says('c', 'a', 'b')])
      await tenant.loses(binding({ name: 'a' }))
      await Promise.all([says('b', 'c'), says('c', 'b')])
      expect(await tenant.events('b')).toEqual(['TargetPoolNotFound', 'IdentityCollision'])
    })

    test('is left and another entered by one edit: both rivals become what they now are', async () => {
      const tenant = await collided()
      await tenant.has(objective({ name: 'c' }))
      await tenant.has(binding({ name: 'c', spec: on('c', { containerName: 'sidecar' }) }))
      await tenant.settles({ c: ready })
      await tenant.changes(binding({ name: 'b' }), { spec: { containerName: 'sidecar' } })
      await tenant.settles({ a: ready, b: collision, c: collision })
      expect(await tenant.message('b')).toBe(messageOf('c'))
    })

    test('ends with the output of a deleting binding: the winner has its own only after that is gone', async () => {
      const tenant = await newTenant(stage.cluster)
      const recording = await record(stage.cluster, clusterSpiffeIdResource)
      await tenant.has(pool(), objective({ name: 'a' }), objective({ name: 'b' }), objective({ name: 'c' }))
      await tenant.has(binding({ name: 'a', spec: on('a') }))
      await tenant.settles({ a: ready })
      const [output] = await tenant.outputs('a')
      const name = String(metaOf(output ?? {})['name'])
      const held = named(name)
      await tenant.changes(held, { metadata: { finalizers: [keeper] } })
      await tenant.loses(binding({ name: 'a' }))
      await tenant.has(binding({ name: 'b', spec: on('b') }))
      await until('the winner has been seen', async () => {
        const { metadata } = (await tenant.find(binding({ name: 'b' }))) ?? {}
        return recordOf(metadata)['finalizers'] !== undefined
      })
      // What was marked later is Ready by now, so the winner has had its turn.
      await tenant.has(binding({ name: 'c', spec: on('c', { containerName: 'sidecar' }) }))
      await tenant.settles({ c: ready })
      expect(await tenant.outputs('b')).toEqual([])
      expect(await tenant.find(binding({ name: 'a' }))).toBeDefined()
      await tenant.changes(held, { metadata: { finalizers: null } })
      await tenant.settles({ b: ready })
      await tenant.isGone(binding({ name: 'a' }))
      const [winner] = await tenant.outputs('b')
      const winnerName = String(metaOf(winner ?? {})['name'])
      const events = await recording.until((event) => nameIn(event) === winnerName)
      recording.stop()
      const order = events
        .filter((event) => [name, winnerName].includes(nameIn(event)) && event.type !== 'MODIFIED')
        .map((event) => `${event.type} ${nameIn(event)}`)
      expect(order).toEqual([`ADDED ${name}`, `DELETED ${name}`, `ADDED ${winnerName}`])
    })
  })

  referenceSuite(() => stage)
})
