import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { bindingResource, clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { objective, pool } from '../../support/builders.ts'
import { listOf, recordOf, type Json } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { bodyOf, metaOf, until } from '../support/cluster.ts'
import { tookEffect } from './support/audit.ts'
import { replaceDefinition } from './support/definitions.ts'
import { acceptedBack, formerDefinition, leftBy, type FormerVersion } from './support/former.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventually, newTenant, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'

function firstOf<T>([first]: readonly T[]): T {
  if (first === undefined) throw new Error('every version leaves something')
  return first
}
const definition = new URL('../../../deploy/crd/inferenceidentitybindings.yaml', import.meta.url)

const uids = async (tenant: Tenant, version: FormerVersion): Promise<readonly unknown[]> =>
  Promise.all(
    leftBy(version, tenant.namespace).map(
      async ({ output }) => metaOf((await tenant.find(output)) ?? {})['uid'],
    ),
  )

const conditionOf = (binding: Json | undefined, type: string): Json =>
  listOf(recordOf(binding?.['status'])['conditions'])
    .map(recordOf)
    .find((condition) => condition['type'] === type) ?? {}

describeReal('a cluster of the former operator', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ runs: false })
  })
  afterAll(() => stage.stop())
  afterEach(() => stage.stopOperator())

  const installOurs = async (): Promise<void> => {
    const wanted = recordOf(parse(await readFile(definition, 'utf8')))
    await replaceDefinition(stage.cluster, bindingResource, wanted)
  }

  /** All that a version has in a cluster when it is stopped. */
  const leave = async (version: FormerVersion): Promise<Tenant> => {
    await replaceDefinition(stage.cluster, bindingResource, formerDefinition(version))
    const tenant = await newTenant(stage.cluster, 'former')
    await tenant.has(pool(), objective())
    for (const { binding, status, output } of leftBy(version, tenant.namespace)) {
      // The schema is in force a moment later.
      await until('the former schema is in force', async () => {
        const { namespace } = tenant
        const path = `${resourcePath(bindingResource, { namespace })}?dryRun=All&fieldValidation=Strict`
        return (await stage.cluster.client.post(path, binding)).code === 201
      })
      await tenant.has(binding, output)
      const at = { namespace: tenant.namespace, name: binding.metadata.name, subresource: 'status' }
      const patched = await stage.cluster.client.patch(resourcePath(bindingResource, at), { status })
      bodyOf(patched, 'writing a status as the former operator')
    }
    return tenant
  }
  const readiness = async (): Promise<string> =>
    (await fetch(`${stage.operator().probes}/readyz?verbose`)).text()

  test.for(['v0.7.4', 'v0.9.0'] as const)(
    '%s is taken over as it is, under its own kind and under ours',
    async (version) => {
      const tenant = await leave(version)
      const before = await uids(tenant, version)
      await stage.startOperator()
      const isAdopted = async (): Promise<void> => {
        for (const { binding } of leftBy(version, tenant.namespace)) {
          expect(await tenant.outputs(binding.metadata.name)).toHaveLength(1)
          expect(conditionOf(await tenant.find(binding), 'Ready')).toMatchObject({
            status: 'True',
            message: expect.stringContaining('is in place'),
          })
        }
      }
      await eventually(isAdopted)
      expect(await uids(tenant, version)).toEqual(before)
      // The kind of the former operator does not store all that our status has, so the status is written once and not again and again.
      const since = (await stage.audit.requests()).length
      for (const team of ['a', 'b', 'c'])
        for (const { binding } of leftBy(version, tenant.namespace))
          await tenant.changes(binding, { metadata: { labels: { team } } })
      await tenant.has({ ...firstOf(leftBy(version, tenant.namespace)).binding, metadata: { name: 'later' } })
      await eventually(async () => expect(await tenant.outputs('later')).toHaveLength(1))
      const rewritten = (await stage.audit.requests())
        .slice(since)
        .filter(({ subresource, name }) => subresource === 'status' && name !== 'later')
      expect(rewritten).toEqual([])
      await installOurs()
      await tenant.settles({ whole: ready, one: ready })
      expect(await uids(tenant, version)).toEqual(before)
      expect(await tenant.events('whole')).toEqual([])
      // The former operator could take its objects back.
      for (const { binding, output } of leftBy(version, tenant.namespace)) {
        const { name } = binding.metadata
        const id = String(recordOf(output.spec)['spiffeIDTemplate'])
        const kind = name === 'one' ? 'objective' : 'pool'
        expect(await tenant.output(name)).toMatchObject(acceptedBack(tenant.namespace, name, kind, id))
      }
    },
  )

  test.for([
    ['v0.11.0', 'has no spec.mode'],
    ['v0.12.0', 'has spec.identityBoundary'],
  ] as const)('%s is not touched under its own kind, and the reason is said', async ([version, reason]) => {
    const tenant = await leave(version)
    const [{ binding, output } = { binding: undefined, output: undefined }] = leftBy(
      version,
      tenant.namespace,
    )
    if (!binding) throw new Error('every version leaves a binding')
    const before = await Promise.all([tenant.find(binding), tenant.find(output)])
    const since = (await stage.audit.requests()).length
    await stage.startOperator([], { waits: false })
    await eventually(async () => expect(await readiness()).toContain(reason))
    expect(stage.operator().log()).toContain(reason)
    await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
    await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'chat' } } } })
    expect(await Promise.all([tenant.find(binding), tenant.find(output)])).toEqual(before)

    // Our kind over it makes a PerObjective binding without an objective of every one.
    await installOurs()
    await eventually(async () => {
      const ours = await tenant.find(binding)
      expect(conditionOf(ours, 'Ready')).toMatchObject({ status: 'False', reason: 'MissingObjectiveRef' })
      expect(conditionOf(ours, 'Ready')['message']).toContain('is kept until the spec is edited')
      expect(conditionOf(ours, 'Stalled')).toMatchObject({ status: 'True', reason: 'MissingObjectiveRef' })
    })
    expect(await tenant.find(output)).toEqual(before[1])
    const touched = (await stage.audit.requests())
      .slice(since)
      .filter(tookEffect)
      .filter(({ resource }) => resource === clusterSpiffeIdResource.plural)
    expect(touched).toEqual([])

    await tenant.changes(binding, { spec: { mode: 'PoolOnly' } })
    await tenant.settles({ whole: ready })
    const id = `spiffe://example.org/ns/${tenant.namespace}/pool/chat`
    const after = await tenant.output('whole')
    expect(after).toMatchObject(acceptedBack(tenant.namespace, 'whole', 'pool', id))
    const keepsIdentity = version === 'v0.11.0'
    expect(metaOf(after)['uid'] === metaOf(before[1] ?? {})['uid']).toBe(keepsIdentity)
    expect((await tenant.find(output)) === undefined).toBe(!keepsIdentity)
  })

  test('what the API server prunes while a cluster is back at v0.11.0 takes no identity', async () => {
    const tenant = await leave('v0.11.0')
    const { binding } = firstOf(leftBy('v0.11.0', tenant.namespace))
    await installOurs()
    await stage.startOperator()
    const isKept = (giver: string): Promise<void> =>
      eventually(async () => {
        const { reason, message } = conditionOf(await tenant.find(binding), 'Ready')
        expect(reason).toBe('MissingObjectiveRef')
        expect(message).toContain(`the identity that ${giver} operator gave by ClusterSPIFFEID`)
      })
    await isKept('the former')
    await tenant.changes(binding, { spec: { mode: 'PoolOnly' } })
    await tenant.settles({ whole: ready })
    const uid = async (): Promise<unknown> => metaOf(await tenant.output('whole'))['uid']
    const before = await uid()

    await stage.stopOperator()
    await replaceDefinition(stage.cluster, bindingResource, formerDefinition('v0.11.0'))
    await until('the former schema is in force', async () => {
      const { spec } = (await tenant.find(binding)) ?? {}
      return recordOf(spec)['mode'] === undefined
    })
    await tenant.changes(binding, { metadata: { labels: { written: 'meanwhile' } } })
    await installOurs()
    await stage.startOperator()
    await isKept('this')
    await stage.stopOperator()
    await stage.startOperator()
    // A later binding shows that the first look at all is over.
    await tenant.has({
      ...binding,
      metadata: { name: 'later' },
      spec: { ...recordOf(binding.spec), mode: 'PoolOnly' },
    })
    await tenant.settles({ later: ready })
    await isKept('this')
    expect(await uid()).toBe(before)
    await tenant.changes(binding, { spec: { mode: 'PoolOnly' } })
    await tenant.settles({ whole: ready })
    expect(await uid()).toBe(before)
  })
})
