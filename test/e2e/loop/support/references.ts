import { describe, expect, test } from 'vitest'
import { bindingResource } from '../../../../src/core/resources.ts'
import { binding, objective, pool } from '../../../support/builders.ts'
import type { Stage } from './stage.ts'
import { eventually, newTenant, type Tenant } from './tenant.ts'

const ready = 'Ready/Reconciled'
const noPool = 'InvalidRef/TargetPoolNotFound'

const selectsBy = (tenant: Tenant, name: string, app: string) =>
  eventually(async () =>
    expect(await tenant.outputSpec(name)).toMatchObject({ podSelector: { matchLabels: { app } } }),
  )

/** What a binding refers to comes, changes, goes, and comes elsewhere. */
export const referenceSuite = (stage: () => Stage): void => {
  describe.concurrent('a reference', () => {
    const v1 = 'inference.networking.k8s.io'
    const x = 'inference.networking.x-k8s.io'
    test('without a group goes to the group tried first, as soon as the pool is there, and back', async () => {
      const tenant = await newTenant(stage().cluster)
      const old = pool({ group: x, selector: { app: 'old' } })
      await tenant.has(old, objective(), binding())
      await tenant.has(
        binding({ name: 'pinned', spec: { poolRef: { name: 'chat', group: x }, containerName: 'sidecar' } }),
      )
      await tenant.settles({ chat: ready, pinned: ready })
      await tenant.has(pool({ group: v1, selector: { matchLabels: { app: 'new' } } }))
      await selectsBy(tenant, 'chat', 'new')
      await tenant.settles({ chat: ready, pinned: ready })
      await selectsBy(tenant, 'pinned', 'old')
      await tenant.loses(pool({ group: v1 }))
      await selectsBy(tenant, 'chat', 'old')
      await tenant.settles({ chat: ready, pinned: ready })
      expect(await tenant.events('chat')).toEqual(['Reconciled', 'IdentityChanged', 'IdentityChanged'])
    })

    test('is followed when what it names comes, changes and goes', async () => {
      const tenant = await newTenant(stage().cluster)
      await tenant.has(binding())
      await tenant.settles({ chat: noPool })
      await tenant.has(pool())
      await tenant.settles({ chat: 'InvalidRef/TargetObjectiveNotFound' })
      await tenant.has(objective())
      await tenant.settles({ chat: ready })
      await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
      await selectsBy(tenant, 'chat', 'other')
      await tenant.changes(binding(), { spec: { serviceAccountName: 'another' } })
      await eventually(async () => {
        const { workloadSelectorTemplates } = await tenant.outputSpec('chat')
        expect(workloadSelectorTemplates).toContain('k8s:sa:another')
      })
      await tenant.loses(pool())
      await tenant.settles({ chat: noPool })
      expect(await tenant.events('chat')).toEqual([
        'TargetPoolNotFound',
        'TargetObjectiveNotFound',
        'Reconciled',
        'IdentityChanged',
        'IdentityChanged',
        'TargetPoolNotFound',
      ])
    })

    test('to an objective of another group is followed there', async () => {
      const tenant = await newTenant(stage().cluster)
      await tenant.has(pool(), binding({ spec: { objectiveRef: { name: 'chat', group: x } } }))
      await tenant.has(objective())
      await tenant.settles({ chat: 'InvalidRef/TargetObjectiveNotFound' })
      await tenant.has(objective({ group: x }))
      await tenant.settles({ chat: ready })
      expect(await tenant.events('chat')).toEqual(['TargetObjectiveNotFound', 'Reconciled'])
    })

    test('that many share is followed for each of them, and for no one in another namespace', async () => {
      const [tenant, neighbour] = await Promise.all([newTenant(stage().cluster), newTenant(stage().cluster)])
      const names = ['a', 'b', 'c', 'd', 'e']
      for (const one of [tenant, neighbour]) {
        await one.has(pool(), objective())
        for (const name of names) await one.has(binding({ name, spec: { containerName: name } }))
        await one.settles(Object.fromEntries(names.map((name) => [name, ready])))
      }
      const before = await stage().cluster.list(bindingResource, neighbour.namespace)
      await tenant.loses(pool())
      await tenant.settles(Object.fromEntries(names.map((name) => [name, noPool])))
      expect(await stage().cluster.list(bindingResource, neighbour.namespace)).toEqual(before)
    })
  })
}
