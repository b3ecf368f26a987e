import { describe, expect, test } from 'vitest'
import { binding, clusterSpiffeId, objective, pool, poolOnly } from '../../../support/builders.ts'
import { listOf, recordOf } from '../../../support/embedded/json.ts'
import { createNamespace, metaOf } from '../../support/cluster.ts'
import { named, poolOutputName, writtenByReference } from './outputs.ts'
import type { Stage } from './stage.ts'
import { eventually, newTenant, tenantOf, type Tenant } from './tenant.ts'

const ready = 'Ready/Reconciled'
const refused = 'RenderFailure/ManagedOutputApplyFailed'

/** ClusterSPIFFEIDs that are not the operator's, however near they come to one that is. */
export const foreignSuite = (stage: () => Stage): void => {
  describe.concurrent('an object of somebody else', () => {
    test('is never touched, whatever its labels', async () => {
      const tenant = await newTenant(stage().cluster)
      await tenant.has(pool(), objective(), binding())
      await tenant.settles({ chat: ready })
      const output = await tenant.output('chat')
      const base = String(metaOf(output)['name']).slice(0, -8)
      const foreign = [
        writtenByReference(output, { name: `${base}00000001`, 'kleym.sonda.red/managed-by': 'another' }),
        writtenByReference(output, { name: `${base}00000002`, 'kleym.sonda.red/binding-name': 'another' }),
        writtenByReference(output, { name: `${base}00000003`, 'kleym.sonda.red/binding-namespace': 'a' }),
        writtenByReference(output, { name: `${base}00000004`, hint: 'another' }),
        writtenByReference(output, { name: `${base}0000000g` }),
        writtenByReference(output, { name: `another-${base}00000005` }),
        clusterSpiffeId(`${base}00000006`, { annotations: { 'example.org/binding': 'another' } }),
      ]
      await tenant.has(...foreign)
      const read = () => Promise.all(foreign.map(tenant.find))
      const before = await read()
      await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
      await eventually(async () =>
        expect(await tenant.outputSpec('chat')).toMatchObject({
          podSelector: { matchLabels: { app: 'other' } },
        }),
      )
      await tenant.changes(binding(), { spec: { mode: 'PoolOnly', containerName: null } })
      await tenant.settles({ chat: ready })
      await tenant.loses(binding())
      await tenant.isGone(binding())
      expect(before).not.toContain(undefined)
      expect(await read()).toEqual(before)
    })

    test('that holds the name of an output is left alone, and reported by that name until it goes', async () => {
      const tenant = await newTenant(stage().cluster)
      const name = poolOutputName(tenant.namespace, 'chat', 'chat')
      await tenant.has(clusterSpiffeId(name), pool(), poolOnly())
      const before = await tenant.find(named(name))
      await tenant.settles({ chat: refused })
      expect(await tenant.message('chat')).toContain(name)
      const [stalled] = listOf(recordOf((await tenant.find(binding()))?.['status'])['conditions']).slice(5)
      expect(stalled).toMatchObject({ type: 'Stalled', status: 'True', reason: 'ManagedOutputApplyFailed' })
      await tenant.changes(binding(), { metadata: { annotations: { look: 'again' } } })
      await tenant.settles({ chat: refused })
      expect(await tenant.find(named(name))).toEqual(before)
      await tenant.loses(named(name))
      await tenant.settles({ chat: ready })
      expect(await tenant.events('chat')).toEqual(['ManagedOutputApplyFailed', 'Reconciled'])
    })

    test('is not named by its owner to the later of two bindings that get one name', async () => {
      // Their first parts agree, and so do the first 32 bits of the SHA-1 of their SPIFFE IDs.
      const first = { namespace: 'twin', name: 'a-b', pool: 'p108723' }
      const later = { namespace: 'twin-a', name: 'b', pool: 'p185146' }
      const output = poolOutputName(first.namespace, first.name, first.pool)
      expect(poolOutputName(later.namespace, later.name, later.pool)).toBe(output)
      const settle = async (one: typeof first, outcome: string): Promise<Tenant> => {
        await createNamespace(stage().cluster, one.namespace)
        const tenant = tenantOf(stage().cluster, one.namespace)
        await tenant.has(pool({ name: one.pool }))
        await tenant.has(poolOnly({ name: one.name, spec: { poolRef: { name: one.pool } } }))
        await tenant.settles({ [one.name]: outcome })
        return tenant
      }
      const winner = await settle(first, ready)
      const loser = await settle(later, refused)
      const message = await loser.message(later.name)
      expect(message).toContain(output)
      expect(message).not.toContain('twin/a-b')
      await winner.settles({ [first.name]: ready })
      await winner.loses(poolOnly({ name: first.name }))
      await loser.settles({ [later.name]: ready })
    })
  })
}
