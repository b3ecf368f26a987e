import { describe, expect, test } from 'vitest'
import { bindingResource } from '../../../../src/core/resources.ts'
import { binding, objective, pool, poolOnly } from '../../../support/builders.ts'
import { recordOf, textOf, type Json } from '../../../support/embedded/json.ts'
import { bodyOf, metaOf } from '../../support/cluster.ts'
import type { Gate } from './gate.ts'
import { named } from './outputs.ts'
import type { Stage } from './stage.ts'
import { eventually, newTenant, type Tenant } from './tenant.ts'

const ready = 'Ready/Reconciled'
const refused = 'RenderFailure/ManagedOutputApplyFailed'
const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
const policyBindings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings'

const isOf =
  ({ namespace }: Tenant) =>
  ({ hint }: Json): boolean =>
    textOf(hint).startsWith(`${namespace}/`)

const rendered = async (tenant: Tenant): Promise<unknown> => {
  const { renderedClusterSPIFFEID, computedSpiffeIDs, renderedSelectors } = recordOf(
    (await tenant.find(binding()))?.['status'],
  )
  return { renderedClusterSPIFFEID, computedSpiffeIDs, renderedSelectors }
}

const isStalled = async (tenant: Tenant): Promise<boolean> =>
  JSON.stringify((await tenant.find(binding()))?.['status']).includes('"Stalled"')

const selects = (spec: Json): unknown => recordOf(recordOf(spec['podSelector'])['matchLabels'])['app']

/** Other admission webhooks and policies refuse what the operator writes. */
export const refusalSuite = (stage: () => Stage, gate: () => Gate): void => {
  const withOutput = async (): Promise<{ readonly tenant: Tenant; readonly before: Json }> => {
    const tenant = await newTenant(stage().cluster)
    await tenant.has(pool(), objective(), binding())
    await tenant.settles({ chat: ready })
    return { tenant, before: await tenant.output('chat') }
  }

  describe.concurrent('a refusal by another admission webhook', () => {
    test('is told in its words, and heals when it ends', async () => {
      const tenant = await newTenant(stage().cluster)
      const { lift } = gate().refuse('not before the audit', isOf(tenant))
      await tenant.has(pool(), objective(), binding())
      await tenant.settles({ chat: refused })
      expect(await tenant.message('chat')).toContain('not before the audit')
      expect(await isStalled(tenant)).toBe(false)
      expect(await tenant.outputs('chat')).toEqual([])
      lift()
      await tenant.settles({ chat: ready })
      expect(await tenant.events('chat')).toEqual(
        expect.arrayContaining(['ManagedOutputApplyFailed', 'Reconciled']),
      )
    })

    test('of a changed identity keeps the old one, which the status goes on to show', async () => {
      const { tenant, before } = await withOutput()
      const shown = await rendered(tenant)
      const { lift } = gate().refuse('no pools here', (spec) =>
        textOf(spec['spiffeIDTemplate']).includes(`${tenant.namespace}/pool/`),
      )
      await tenant.changes(binding(), { spec: { mode: 'PoolOnly', containerName: null } })
      await tenant.settles({ chat: refused })
      expect(await tenant.output('chat')).toEqual(before)
      expect(await rendered(tenant)).toEqual(shown)
      lift()
      await tenant.settles({ chat: ready })
      expect(metaOf(await tenant.output('chat'))['uid']).not.toBe(metaOf(before)['uid'])
    })

    test('of other selectors keeps what is there', async () => {
      const { tenant, before } = await withOutput()
      const { lift } = gate().refuse(
        'not these pods',
        (spec) => isOf(tenant)(spec) && selects(spec) === 'other',
      )
      await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
      await tenant.settles({ chat: refused })
      expect(await tenant.output('chat')).toEqual(before)
      lift()
      await tenant.settles({ chat: ready })
      expect(selects(await tenant.outputSpec('chat'))).toBe('other')
    })

    test('of a repair keeps what is there, and it is repaired in the end', async () => {
      const { tenant, before } = await withOutput()
      const isRepair = (spec: Json): boolean => isOf(tenant)(spec) && spec['ttl'] === undefined
      const { lift } = gate().refuse('not that again', isRepair)
      await tenant.changes(named(metaOf(before)['name']), { spec: { ttl: '1h' } })
      await tenant.settles({ chat: refused })
      expect(await tenant.outputSpec('chat')).toMatchObject({ ttl: '1h' })
      lift()
      await tenant.settles({ chat: ready })
      const after = await tenant.output('chat')
      expect(after['spec']).toEqual(before['spec'])
      expect(metaOf(after)['uid']).toBe(metaOf(before)['uid'])
    })

    test('of a change that is taken back leaves the old output untouched', async () => {
      const { tenant, before } = await withOutput()
      const { lift } = gate().refuse('no pools here', (spec) =>
        textOf(spec['spiffeIDTemplate']).includes(`${tenant.namespace}/pool/`),
      )
      await tenant.changes(binding(), { spec: { mode: 'PoolOnly', containerName: null } })
      await tenant.settles({ chat: refused })
      await tenant.changes(binding(), { spec: { mode: 'PerObjective', containerName: 'main' } })
      await tenant.settles({ chat: ready })
      expect(await tenant.output('chat')).toEqual(before)
      lift()
    })

    test('is tried again later and later, and written to the status once', async () => {
      const tenant = await newTenant(stage().cluster)
      const { lift, times } = gate().refuse('never', isOf(tenant))
      await tenant.has(pool(), objective(), binding())
      await eventually(() => expect(times.length).toBeGreaterThan(9))
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      // Sixteen times as long where nothing else takes time; a busy machine adds to each gap.
      expect(gaps.at(-1)).toBeGreaterThan(2 * (gaps.at(-5) ?? 0))
      await tenant.settles({ chat: refused })
      const statuses = (await stage().audit.requests()).filter(
        ({ resource, subresource, namespace, code }) =>
          resource === bindingResource.plural &&
          subresource === 'status' &&
          namespace === tenant.namespace &&
          code === 200,
      )
      expect(statuses).toHaveLength(1)
      lift()
    })
  })

  test('a refusal by a ValidatingAdmissionPolicy is told in its words, and heals when it ends', async () => {
    const { tenant, before } = await withOutput()
    const { client } = stage().cluster
    const name = tenant.namespace
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['spire.spiffe.io'],
              apiVersions: ['v1alpha1'],
              resources: ['clusterspiffeids'],
              operations: ['CREATE', 'UPDATE'],
            },
          ],
        },
        validations: [
          {
            expression: `!object.spec.spiffeIDTemplate.contains('${name}/pool/')`,
            message: 'pools have no identity in this house',
          },
        ],
      },
    }
    const binds = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    }
    bodyOf(await client.post(policies, policy), 'creating the policy')
    bodyOf(await client.post(policyBindings, binds), 'creating its binding')
    const probe = { ...poolOnly(), metadata: { name: 'probe' } }
    await eventually(async () => {
      const body = {
        apiVersion: 'spire.spiffe.io/v1alpha1',
        kind: 'ClusterSPIFFEID',
        metadata: probe.metadata,
        spec: { spiffeIDTemplate: `spiffe://example.org/ns/${name}/pool/probe` },
      }
      const reply = await client.post('/apis/spire.spiffe.io/v1alpha1/clusterspiffeids?dryRun=All', body)
      expect(reply.code).toBe(422)
    })
    await tenant.changes(binding(), { spec: { mode: 'PoolOnly', containerName: null } })
    await tenant.settles({ chat: refused })
    expect(await tenant.message('chat')).toContain('pools have no identity in this house')
    // A policy answers 422, which counts as a refusal that only another spec can end.
    expect(await isStalled(tenant)).toBe(true)
    expect(await tenant.output('chat')).toEqual(before)
    await client.delete(`${policyBindings}/${name}`)
    await client.delete(`${policies}/${name}`)
    await tenant.settles({ chat: ready })
  })
}
