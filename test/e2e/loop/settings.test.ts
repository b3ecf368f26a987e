import { afterAll, beforeAll, expect, test } from 'vitest'
import { binding, objective, pool } from '../../support/builders.ts'
import { freePort } from '../../support/controlplane/daemon.ts'
import type { Json } from '../../support/embedded/json.ts'
import { recordOf } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { metaOf } from '../support/cluster.ts'
import { tookEffect, told } from './support/audit.ts'
import { logLines } from './support/log-lines.ts'
import { metric } from './support/metrics.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventually, newTenant, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'

/** Its name is that of its container too, so that it collides with none. */
const of = (name: string, spec: Json = {}) => binding({ name, spec: { containerName: name, ...spec } })

describeReal('settings that are changed', () => {
  let stage: Stage
  let tenant: Tenant
  let metrics: string

  beforeAll(async () => {
    metrics = `127.0.0.1:${await freePort()}`
    stage = await openStage({ args: [`--metrics-bind-address=${metrics}`, '--metrics-secure=false'] })
    tenant = await newTenant(stage.cluster, 'settings')
    await tenant.has(pool(), pool({ name: 'other' }), objective())
    await tenant.has(objective({ name: 'other', poolRef: { name: 'other' } }))
    await tenant.has(of('stays'), of('goes'), of('edited'))
    await tenant.has(of('fails', { poolRef: { name: 'other' }, objectiveRef: { name: 'other' } }))
    await tenant.settles({ stays: ready, goes: ready, edited: ready, fails: ready })
  })
  afterAll(() => stage.stop())

  const restart = async (...args: readonly string[]): Promise<void> => {
    await stage.stopOperator()
    await stage.startOperator(args)
  }
  /** Creates a binding and waits until it is Ready: by then the loop is done with all that was there at the start. */
  const comes = async (name: string): Promise<void> => {
    await tenant.has(of(name))
    await tenant.settles({ [name]: ready })
  }
  const idOf = async (name: string): Promise<unknown> => (await tenant.outputSpec(name))['spiffeIDTemplate']
  const id = (domain: string): string => `spiffe://${domain}/ns/${tenant.namespace}/objective/chat`
  const readiness = async (): Promise<string> =>
    (await fetch(`${stage.operator().probes}/readyz?verbose`)).text()
  const writes = async (since: number): Promise<readonly string[]> =>
    (await stage.audit.requests())
      .slice(since)
      .filter(tookEffect)
      .map((one) => `${told(one)} ${one.name}`)
  const held = (): Promise<number> => metric(metrics, 'kleym_identity_bindings_held')

  test('another trust domain replaces nothing that is there, and is said', async () => {
    const before = await Promise.all([tenant.output('stays'), tenant.find(of('stays'))])
    await restart('--trust-domain=new.org')
    const since = (await stage.audit.requests()).length
    await comes('new')
    expect(await idOf('new')).toBe(id('new.org'))
    await eventually(async () =>
      expect(await tenant.events('stays')).toEqual(['Reconciled', 'TrustDomainChangeHeld']),
    )
    expect(await Promise.all([tenant.output('stays'), tenant.find(of('stays'))])).toEqual(before)
    expect(await readiness()).toContain(
      '[-]settings: the ClusterSPIFFEIDs of 4 InferenceIdentityBindings have trust domain "example.org"',
    )
    expect((await fetch(`${stage.operator().probes}/readyz`)).status).toBe(200)
    expect(await held()).toBe(4)
    const lines = logLines(stage.operator().log()).filter(({ msg }) =>
      String(msg).includes('--trust-domain-change='),
    )
    expect(lines).toMatchObject([
      { level: 'warn', msg: expect.stringContaining('--trust-domain-change=example.org') },
    ])
    expect((await writes(since)).filter((one) => one.includes(String(metaOf(before[0])['name'])))).toEqual([])
  })

  test('a held binding is deleted, withdrawn, edited and repaired as ever, in the domain it has', async () => {
    const [goes, fails] = await Promise.all(['goes', 'fails'].map(tenant.output))
    await tenant.loses(of('goes'))
    await tenant.isGone(of('goes'))
    await tenant.loses(pool({ name: 'other' }))
    await tenant.settles({ fails: 'InvalidRef/TargetPoolNotFound' })
    expect(goes && fails).toBeDefined()
    await tenant.changes(of('edited'), { spec: { serviceAccountName: 'worker' } })
    await eventually(async () =>
      expect((await tenant.outputSpec('edited'))['workloadSelectorTemplates']).toContain('k8s:sa:worker'),
    )
    await tenant.settles({ edited: ready })
    expect(await idOf('edited')).toBe(id('example.org'))
    const output = await tenant.output('stays')
    const patch = { spec: { admin: true, spiffeIDTemplate: 'spiffe://evil.org/x' } }
    await tenant.changes(
      {
        ...of('x'),
        apiVersion: 'spire.spiffe.io/v1alpha1',
        kind: 'ClusterSPIFFEID',
        metadata: { name: String(metaOf(output)['name']) },
      },
      patch,
    )
    await eventually(async () => expect((await tenant.output('stays'))['spec']).toEqual(output['spec']))
    // A binding that has failed has no output whose domain is kept, so it gets the new domain once it is right again.
    await tenant.has(pool({ name: 'other' }))
    await tenant.settles({ fails: ready })
    expect(await idOf('fails')).toContain('new.org')
    expect(await held()).toBe(2)
  })

  test('once it is named the old domain is left, and each binding says from what to what', async () => {
    await restart('--trust-domain=new.org', '--trust-domain-change=example.org')
    await eventually(async () => expect(await idOf('stays')).toBe(id('new.org')))
    await tenant.settles({ stays: ready, edited: ready, new: ready, fails: ready })
    expect(await tenant.events('stays')).toEqual([
      'Reconciled',
      'TrustDomainChangeHeld',
      'Repaired',
      'IdentityChanged',
    ])
    expect(await held()).toBe(0)
    expect(await readiness()).toContain('[+]settings ok')
    const lines = logLines(stage.operator().log())
    expect(lines.filter(({ binding: key }) => key === `${tenant.namespace}/stays`)).toMatchObject([
      { level: 'info', msg: 'ClusterSPIFFEID deleted', spiffeId: id('example.org'), why: expect.any(String) },
      { level: 'info', msg: 'ClusterSPIFFEID replaced', spiffeId: id('new.org') },
      {
        level: 'info',
        msg: 'the identity of a binding changed',
        before: { spiffeId: id('example.org') },
        after: { spiffeId: id('new.org') },
      },
    ])
  })

  test('another class changes nothing that is there either, and its label comes and goes with it', async () => {
    const domain = '--trust-domain=new.org'
    const before = await tenant.output('stays')
    const labels = async (name: string): Promise<Json> =>
      recordOf(metaOf(await tenant.output(name))['labels'])
    await restart(domain, '--clusterspiffeid-class-name=gpu')
    await comes('classed')
    expect(await tenant.outputSpec('classed')).toMatchObject({ className: 'gpu' })
    expect(await labels('classed')).toMatchObject({ 'spire.spiffe.io/class-name': 'gpu' })
    expect(await tenant.output('stays')).toEqual(before)
    expect(await tenant.events('stays')).toContain('ClassChangeHeld')
    expect(await readiness()).toContain('--clusterspiffeid-class-change=')
    await restart(domain, '--clusterspiffeid-class-name=gpu', '--clusterspiffeid-class-change=')
    await eventually(async () => expect(await tenant.outputSpec('stays')).toMatchObject({ className: 'gpu' }))
    const after = await tenant.output('stays')
    expect(metaOf(after)).toMatchObject({
      uid: metaOf(before)['uid'],
      labels: { 'spire.spiffe.io/class-name': 'gpu' },
    })
    await tenant.settles({ stays: ready })
    await restart(domain, '--clusterspiffeid-class-change=gpu')
    await eventually(async () => expect(await tenant.outputSpec('stays')).not.toHaveProperty('className'))
    expect(await labels('stays')).not.toHaveProperty(['spire.spiffe.io/class-name'])
    await tenant.settles({ stays: ready })
    // The changes of the operator itself count as no edit: the one event is of the edit above.
    expect((await tenant.events('stays')).filter((reason) => reason === 'Repaired')).toHaveLength(1)
  })
})
