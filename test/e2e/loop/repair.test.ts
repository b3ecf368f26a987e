import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ownerAnnotation } from '../../../src/core/clusterspiffeid.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { binding, objective, pool } from '../../support/builders.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { metaOf } from '../support/cluster.ts'
import { nameIn, record, told } from '../support/recording.ts'
import { adoptionSuite } from './support/adoption.ts'
import { told as toldRequest } from './support/audit.ts'
import { foreignSuite } from './support/foreign.ts'
import { openGate, type Gate } from './support/gate.ts'
import { logLines } from './support/log-lines.ts'
import { named } from './support/outputs.ts'
import { refusalSuite } from './support/refusal.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventsOn, eventually, newTenant, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'
const refused = 'RenderFailure/ManagedOutputApplyFailed'

/** The metadata that we write. */
const ours = ({ labels, annotations }: Json): Json => ({ labels, annotations })

describeReal('the loop repairs what others break', () => {
  let stage: Stage
  let gate: Gate
  beforeAll(async () => {
    stage = await openStage()
    gate = await openGate(stage.cluster)
  })
  afterAll(async () => {
    await stage.stop()
    await gate.stop()
  })

  const withOutput = async (): Promise<{ readonly tenant: Tenant; readonly output: Json }> => {
    const tenant = await newTenant(stage.cluster)
    await tenant.has(pool(), objective(), binding())
    await tenant.settles({ chat: ready })
    return { tenant, output: await tenant.output('chat') }
  }

  describe.concurrent('an output', () => {
    test('loses the fields that others add, and keeps their labels and annotations', async () => {
      const { tenant, output } = await withOutput()
      const { name, uid, ...metadata } = metaOf(output)
      const foreign = { spec: { admin: true, ttl: '1h', dnsNameTemplates: ['evil.example.org'] } }
      const [labels, annotations] = [{ team: 'blue' }, { 'example.org/note': 'kept' }]
      await tenant.changes(named(name), { ...foreign, metadata: { labels, annotations } })
      await eventually(async () => expect((await tenant.output('chat'))['spec']).toEqual(output['spec']))
      await tenant.settles({ chat: ready })
      const after = metaOf(await tenant.output('chat'))
      expect(after['uid']).toBe(uid)
      expect(ours(after)).toEqual({
        labels: { ...recordOf(metadata['labels']), ...labels },
        annotations: { ...recordOf(metadata['annotations']), ...annotations },
      })
    })

    test.for<readonly [string, Json]>([
      ['its SPIFFE ID', { spiffeIDTemplate: 'spiffe://example.org/somebody/else' }],
      ['its pod selector', { podSelector: { matchLabels: { app: null, all: 'pods' } } }],
      ['its namespace selector', { namespaceSelector: null }],
      ['its workload selectors', { workloadSelectorTemplates: ['k8s:ns:elsewhere'] }],
      ['its fallback', { fallback: true }],
      ['its hint', { hint: null }],
      ['no class', { className: 'another' }],
    ])('gets %s back', async ([, spec]) => {
      const { tenant, output } = await withOutput()
      const { name, uid } = metaOf(output)
      await tenant.changes(named(name), { spec })
      await eventually(async () => expect((await tenant.output('chat'))['spec']).toEqual(output['spec']))
      expect(metaOf(await tenant.output('chat'))['uid']).toBe(uid)
    })

    test('is repaired with a line of the log that names the fields and who had changed them, and an event', async () => {
      const { tenant, output } = await withOutput()
      const name = String(metaOf(output)['name'])
      const patch = JSON.stringify({ spec: { admin: true, hint: 'mine' } })
      const by = '--field-manager=intruder'
      const args = ['patch', 'clusterspiffeid', name, '--type=merge', by, '-p', patch]
      expect(await stage.cluster.kubectl(args)).toMatchObject({ code: 0 })
      await eventually(async () => expect((await tenant.output('chat'))['spec']).toEqual(output['spec']))
      const key = `${tenant.namespace}/chat`
      await eventually(() =>
        expect(logLines(stage.operator().log()).filter((line) => line['binding'] === key)).toMatchObject([
          { level: 'info', msg: 'ClusterSPIFFEID created', name, why: 'the binding has an identity' },
          {
            level: 'info',
            msg: 'ClusterSPIFFEID repaired',
            name,
            spiffeId: recordOf(output['spec'])['spiffeIDTemplate'],
            fields: expect.arrayContaining(['spec.admin', 'spec.hint']),
            by: ['intruder'],
          },
        ]),
      )
      const events = await eventsOn(stage.cluster, tenant.namespace, 'chat')
      expect(events.slice(1)).toMatchObject([
        { type: 'Warning', reason: 'Repaired', note: expect.stringMatching(/spec\.admin.*intruder edited$/) },
      ])
      await tenant.loses(binding())
      await tenant.isGone(binding())
      const last = logLines(stage.operator().log()).filter((line) => line['binding'] === key)
      expect(last.at(-1)).toMatchObject({
        msg: 'ClusterSPIFFEID deleted',
        name,
        why: 'its binding is being deleted',
      })
    })

    test('that is deleted comes back, and the status shows the new one', async () => {
      const { tenant, output } = await withOutput()
      await tenant.loses(named(metaOf(output)['name']))
      await eventually(async () =>
        expect(metaOf(await tenant.output('chat'))['uid']).not.toBe(metaOf(output)['uid']),
      )
      await tenant.settles({ chat: ready })
      expect(await tenant.events('chat')).toEqual(['Reconciled', 'Repaired'])
    })

    test('gets its labels back', async () => {
      const { tenant, output } = await withOutput()
      await tenant.changes(named(metaOf(output)['name']), { metadata: { labels: null } })
      await eventually(async () =>
        expect(ours(metaOf(await tenant.output('chat')))).toEqual(ours(metaOf(output))),
      )
      expect(metaOf(await tenant.output('chat'))['uid']).toBe(metaOf(output)['uid'])
    })

    test('that loses its annotation is known by its labels, hint and name', async () => {
      const { tenant, output } = await withOutput()
      await tenant.changes(named(metaOf(output)['name']), {
        metadata: { annotations: { [ownerAnnotation]: null } },
      })
      await eventually(async () =>
        expect(ours(metaOf(await tenant.output('chat')))).toEqual(ours(metaOf(output))),
      )
      expect(metaOf(await tenant.output('chat'))['uid']).toBe(metaOf(output)['uid'])
    })

    test('that loses all that says whose it is is another object, whose name is reported', async () => {
      const { tenant, output } = await withOutput()
      const name = String(metaOf(output)['name'])
      await tenant.changes(named(name), { metadata: { annotations: null, labels: null } })
      await tenant.settles({ chat: refused })
      expect(await tenant.message('chat')).toContain(name)
      expect((await tenant.find(named(name)))?.['spec']).toEqual(output['spec'])
      await tenant.loses(named(name))
      await tenant.settles({ chat: ready })
    })

    test.each([
      ['another ID', { mode: 'PoolOnly', containerName: null }],
      ['other selectors', { serviceAccountName: 'worker' }],
    ])('is replaced by dry run, delete, create for %s', async (_title, spec) => {
      const { tenant, output } = await withOutput()
      const [old, uid] = [String(metaOf(output)['name']), metaOf(output)['uid']]
      const recording = await record(stage.cluster, clusterSpiffeIdResource)
      await tenant.changes(binding(), { spec })
      await eventually(async () => expect(metaOf(await tenant.output('chat'))['uid']).not.toBe(uid))
      await tenant.settles({ chat: ready })
      const next = String(metaOf(await tenant.output('chat'))['name'])
      const events = await recording.until((event) => told(event) === `ADDED ${next}`)
      recording.stop()
      expect(events.filter((event) => [old, next].includes(nameIn(event))).map(told)).toEqual([
        `DELETED ${old}`,
        `ADDED ${next}`,
      ])
      const requests = (await stage.audit.requests()).filter(
        ({ verb, resource, name }) =>
          resource === 'clusterspiffeids' && [old, next].includes(name) && verb !== 'get',
      )
      expect(requests.map((request) => `${toldRequest(request)} ${request.name}`)).toEqual([
        `create clusterspiffeids ${old}`,
        `dry run: create clusterspiffeids ${next}`,
        `delete clusterspiffeids ${old}`,
        `create clusterspiffeids ${next}`,
      ])
    })
  })

  foreignSuite(() => stage)
  adoptionSuite(() => stage)
  refusalSuite(
    () => stage,
    () => gate,
  )

  describe('an operator that was away, or sees late', () => {
    test('keeps the output of a binding that is restored under a new uid, and deletes orphans', async () => {
      const [restored, lost] = [await withOutput(), await withOutput()]
      await stage.stopOperator()
      for (const { tenant } of [restored, lost]) {
        await tenant.changes(binding(), { metadata: { finalizers: null } })
        await tenant.loses(binding())
        expect(await tenant.find(binding())).toBeUndefined()
      }
      await restored.tenant.has(binding())
      const { length: bindings } = await stage.cluster.list(bindingResource)
      const operator = await stage.startOperator()
      await restored.tenant.settles({ chat: ready })
      // An output that names a binding does not count for one.
      const known = logLines(operator.log()).find(({ msg }) => msg === 'everything is known')
      expect(known).toMatchObject({ bindings })
      expect(await restored.tenant.output('chat')).toEqual(restored.output)
      await lost.tenant.isGone(named(metaOf(lost.output)['name']))
    })

    test('never gives a binding two identities, though the watch has not shown the first', async () => {
      const tenant = await newTenant(stage.cluster)
      await tenant.has(pool(), objective())
      const recording = await record(stage.cluster, clusterSpiffeIdResource)
      expect(stage.proxy.silenceWatches({ path: /clusterspiffeids/ })).toBe(1)
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      const old = String(metaOf(await tenant.output('chat'))['name'])
      await tenant.changes(binding(), { spec: { mode: 'PoolOnly', containerName: null } })
      // What was marked later is Ready by then, so the changed one has had its turn.
      await tenant.has(binding({ name: 'later', spec: { containerName: 'sidecar' } }))
      await tenant.settles({ later: ready })
      stage.proxy.cutWatches({ path: /clusterspiffeids/ })
      await tenant.settles({ chat: ready })
      const next = String(metaOf(await tenant.output('chat'))['name'])
      const events = await recording.until((event) => nameIn(event) === next)
      recording.stop()
      expect(events.filter((event) => [old, next].includes(nameIn(event))).map(told)).toEqual([
        `ADDED ${old}`,
        `DELETED ${old}`,
        `ADDED ${next}`,
      ])
    })
  })
})
