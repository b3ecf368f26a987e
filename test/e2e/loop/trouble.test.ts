import { afterAll, beforeAll, beforeEach, afterEach, expect, test, vi } from 'vitest'
import { clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { kleym } from '../../cli/program.ts'
import { binding, objective, pool } from '../../support/builders.ts'
import { freePort } from '../../support/controlplane/daemon.ts'
import { listOf, recordOf, textOf, type Json } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { bodyOf, metaOf } from '../support/cluster.ts'
import { logLines } from './support/log-lines.ts'
import { named } from './support/outputs.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventsOn, newTenant, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'
const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'

/** What must be said within 15 s, and heal within a minute. */
const withinMs = (timeout: number, assertion: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(assertion, { timeout, interval: 100 })

const readyIn = (status: Json): Json =>
  listOf(status['conditions'])
    .map(recordOf)
    .find(({ type }) => type === 'Ready') ?? {}

describeReal('what does not succeed is said', () => {
  let stage: Stage
  let tenant: Tenant
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.stop())
  beforeEach(async () => {
    tenant = await newTenant(stage.cluster, 'trouble')
    await tenant.has(pool(), objective())
  })
  afterEach(() => revive())

  /** The webhook of SPIRE Controller Manager is registered and nobody answers for it. */
  const kill = async (name: string): Promise<void> => {
    const { group, version, plural } = clusterSpiffeIdResource
    const port = await freePort()
    const webhook = {
      name,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      clientConfig: { url: `https://127.0.0.1:${port}/validate` },
      rules: [
        { apiGroups: [group], apiVersions: [version], resources: [plural], operations: ['CREATE', 'UPDATE'] },
      ],
    }
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'dead' },
      webhooks: [webhook],
    }
    await revive()
    bodyOf(await stage.cluster.client.post(configurations, configuration), 'registering a dead webhook')
    await withinMs(10_000, async () => {
      const probe = { ...named('probe'), spec: { spiffeIDTemplate: 'spiffe://example.org/probe' } }
      const path = '/apis/spire.spiffe.io/v1alpha1/clusterspiffeids?dryRun=All'
      const { body } = await stage.cluster.client.post(path, probe)
      expect(textOf(body['message'])).toContain(name)
    })
  }
  const revive = async (): Promise<void> => {
    await stage.cluster.client.delete(`${configurations}/dead`)
  }
  const statusOf = async (): Promise<Json> => recordOf((await tenant.find(binding()))?.['status'])
  const retries = async (): Promise<readonly Json[]> =>
    (await eventsOn(stage.cluster, tenant.namespace, 'chat')).filter(({ reason }) => reason === 'Retrying')
  const logged = (): readonly Json[] =>
    logLines(stage.operator().log()).filter(
      (line) => line['msg'] === 'retrying' && line['binding'] === `${tenant.namespace}/chat`,
    )

  test(
    'of a new binding: in its status, an event and the log, once, and again for another cause',
    { timeout: 240_000 },
    async () => {
      await kill('one.example.org')
      await tenant.has(binding())
      await withinMs(15_000, async () => {
        const status = await statusOf()
        expect(readyIn(status)).toMatchObject({ status: 'Unknown', reason: 'Retrying' })
        expect(readyIn(status)['message']).toContain('failed calling webhook "one.example.org"')
        expect(readyIn(status)).not.toHaveProperty('observedGeneration')
        expect(status).toHaveProperty('observedGeneration', -1)
      })
      const { code, stdout } = await kleym([
        'status',
        '-n',
        tenant.namespace,
        '--kubeconfig',
        stage.cluster.plane.kubeconfig,
      ])
      expect(code).toBe(2)
      expect(stdout).toContain('failed calling webhook "one.example.org"')
      expect(await retries()).toMatchObject([
        { type: 'Warning', note: expect.stringContaining('failed calling webhook "one.example.org"') },
      ])
      expect(logged()).toMatchObject([{ level: 'warn', why: expect.stringContaining('one.example.org') }])
      await kill('two.example.org')
      await withinMs(60_000, async () =>
        expect((await retries()).map(({ note }) => /webhook "(\w+)/.exec(textOf(note))?.[1])).toEqual([
          'one',
          'two',
        ]),
      )
      // The event is written first.
      await withinMs(65_000, async () =>
        expect(readyIn(await statusOf())['message']).toContain('two.example.org'),
      )
      await revive()
      await withinMs(65_000, () => tenant.settles({ chat: ready }))
      expect(await retries()).toHaveLength(2)
      expect(logged()).toHaveLength(2)
    },
  )

  test(
    'of an edit: Ready is unknown, and all else stays as the earlier generation had it',
    { timeout: 120_000 },
    async () => {
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      const before = await statusOf()
      const output = await tenant.output('chat')
      await kill('one.example.org')
      await tenant.changes(binding(), { spec: { serviceAccountName: 'worker' } })
      await withinMs(15_000, async () =>
        expect(readyIn(await statusOf())).toMatchObject({
          status: 'Unknown',
          reason: 'Retrying',
          observedGeneration: 1,
        }),
      )
      const { conditions, ...rest } = await statusOf()
      const { conditions: shown, ...others } = before
      expect(rest).toEqual(others)
      expect(listOf(conditions).slice(1)).toEqual(listOf(shown).slice(1))
      expect(await tenant.output('chat')).toEqual(output)
      await revive()
      await withinMs(65_000, () => tenant.settles({ chat: ready }))
      expect(await tenant.events('chat')).toEqual(['Reconciled', 'Retrying', 'IdentityChanged', 'Reconciled'])
    },
  )

  test(
    'of a repair: not in the status of the binding, which is right, but in the operator’s',
    { timeout: 120_000 },
    async () => {
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      const before = await statusOf()
      await kill('one.example.org')
      await tenant.loses(named(metaOf(await tenant.output('chat'))['name']))
      await withinMs(15_000, async () => expect(await retries()).toHaveLength(1))
      expect(await statusOf()).toEqual(before)
      // What the API server said has names in it, and is for those who may see the binding.
      const words = 'does not succeed: 1: 500 InternalError one.example.org; their events Retrying say more'
      const { kubeconfig } = stage.cluster.plane
      await withinMs(30_000, async () => {
        const look = ['status', '--strict', '-n', tenant.namespace, '--kubeconfig', kubeconfig]
        const { code, stdout } = await kleym(look)
        expect(code).toBe(2)
        expect(stdout).toContain(words)
      })
      await revive()
      await withinMs(65_000, () => tenant.settles({ chat: ready }))
      const reply = await fetch(`${stage.operator().probes}/readyz?verbose`)
      expect(await reply.text()).toContain('[+]bindings ok')
    },
  )

  test('and what succeeded without an answer is said to have: an output is created once in the log', async () => {
    const lost = stage.proxy.faults.inject(
      { method: 'POST', path: /\/clusterspiffeids$/ },
      { kind: 'lostResponse' },
    )
    await tenant.has(binding())
    await tenant.settles({ chat: ready })
    expect(lost.hits()).toBe(1)
    const lines = logLines(stage.operator().log())
    expect(lines.filter((line) => line['binding'] === `${tenant.namespace}/chat`)).toMatchObject([
      { msg: 'ClusterSPIFFEID created' },
    ])
  })

  test('of a deletion that somebody holds up', { timeout: 60_000 }, async () => {
    await tenant.has(binding())
    await tenant.settles({ chat: ready })
    const output = named(metaOf(await tenant.output('chat'))['name'])
    await tenant.changes(output, { metadata: { finalizers: ['example.org/keeps-it'] } })
    await tenant.loses(binding())
    await withinMs(20_000, async () => expect(await retries()).toHaveLength(1))
    expect(readyIn(await statusOf())).toMatchObject({ status: 'Unknown', reason: 'Retrying' })
    expect((await retries())[0]?.['note']).toContain('waits for its finalizers')
    await tenant.changes(output, { metadata: { finalizers: null } })
    await tenant.isGone(binding())
  })

  test.each([
    ['waits for somebody’s finalizer', 'waits for its finalizers'],
    ['is refused', 'deleting ClusterSPIFFEID'],
  ] as const)(
    'of a failure whose deletion of the ClusterSPIFFEID %s: the failure is in the status at once, what is left to do in an event',
    { timeout: 120_000 },
    async (how, words) => {
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      const output = named(metaOf(await tenant.output('chat'))['name'])
      const refused =
        how === 'is refused' &&
        stage.proxy.faults.inject(
          { method: 'DELETE', path: /\/clusterspiffeids\// },
          { kind: 'status', code: 403 },
          Infinity,
        )
      if (!refused) await tenant.changes(output, { metadata: { finalizers: ['example.org/keeps-it'] } })
      await tenant.loses(objective())
      await withinMs(10_000, async () =>
        expect(await statusOf()).toMatchObject({
          conditions: expect.arrayContaining([
            expect.objectContaining({ type: 'Ready', status: 'False', reason: 'TargetObjectiveNotFound' }),
          ]),
        }),
      )
      expect(await statusOf()).not.toHaveProperty('renderedClusterSPIFFEID')
      expect(await tenant.outputs('chat')).toHaveLength(1)
      await withinMs(20_000, async () => expect(await retries()).toHaveLength(1))
      expect((await retries())[0]?.['note']).toContain(words)
      if (refused) refused.lift()
      else await tenant.changes(output, { metadata: { finalizers: null } })
      await withinMs(65_000, async () => expect(await tenant.outputs('chat')).toEqual([]))
    },
  )
})
