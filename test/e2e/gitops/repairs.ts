import { describe, expect, test } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { must, startTenant, type Tenant } from './tenant.ts'

const unsafe = { model: '' }
const safe = { app: 'vllm', model: 'qwen3-32b' }

const objectives = ['chat-interactive', 'chat-batch']
const interactive = (container: string) => ({
  name: 'chat-interactive',
  objective: 'chat-interactive',
  container,
})
const batch = (container: string) => ({ name: 'chat-batch', objective: 'chat-batch', container })

/** Applies as Flux does with two Kustomizations of which the second depends on the first. */
const inTurns = async ({ shell, render }: Tenant, first: object, second: object): Promise<void> => {
  await must(shell('flux-apply --name first --wait', await render(first)))
  await must(shell('flux-apply --name second --wait', await render(second)))
}

export function repairsSuite(cluster: () => Cluster): void {
  /** Installs these values a moment ago, so that the claims of the bindings are still there. */
  const standing = async (values: object): Promise<Tenant> => {
    const tenant = await startTenant(cluster())
    await must(tenant.helm('install', values))
    await tenant.settled()
    return tenant
  }

  describe('of a pool, with a new binding for it in the same release', () => {
    const before = { pool: { labels: unsafe }, bindings: [] }
    const pool = { bindings: [] }
    const after = {}

    test('by Helm is refused as a whole, and passes in two steps', async () => {
      const { helm, poolLabels, settled, reasons } = await standing(before)
      const { code, stderr } = await helm('upgrade', after)
      expect(stderr).toContain('"chat-interactive" is invalid')
      expect(stderr).toContain('UnsafeSelector/InvalidPoolSelector: ')
      expect(code).toBe(1)
      expect(await poolLabels()).toMatchObject(unsafe)
      await must(helm('upgrade', pool))
      await must(helm('upgrade', after))
      await settled()
      expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
    })

    test('by Flux is refused as a whole, and passes in two that depend on each other', async () => {
      const tenant = await standing(before)
      const { shell, render, poolLabels, settled, reasons } = tenant
      const { code, stderr } = await shell('flux-apply', await render(after))
      expect(stderr).toContain('InferenceIdentityBinding')
      expect(stderr).toContain('dry-run failed')
      expect(stderr).toContain('UnsafeSelector/InvalidPoolSelector: ')
      expect(code).toBe(1)
      expect(await poolLabels()).toMatchObject(unsafe)
      await inTurns(tenant, pool, after)
      await settled()
      expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
    })

    test('by kubectl is refused in part, and passes when it is applied again', async () => {
      const { shell, render, poolLabels, settled, reasons } = await standing(before)
      const { code, stderr } = await shell(
        'kubectl apply --server-side --force-conflicts -f -',
        await render(after),
      )
      expect(stderr).toContain('UnsafeSelector/InvalidPoolSelector: ')
      expect(code).toBe(1)
      expect(await poolLabels()).toEqual(safe)
      await must(shell('kubectl apply --server-side --force-conflicts -f -', await render(after)))
      await settled()
      expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
    })
  })

  test('of a set whose pool came first is refused by Flux as long as the pool is as it was', async () => {
    const tenant = await startTenant(cluster())
    const { shell, render, poolLabels, settled, reasons } = tenant
    expect(await shell('flux-apply', await render({ pool: { labels: unsafe } }))).toMatchObject({ code: 1 })
    expect(await poolLabels()).toMatchObject(unsafe)
    expect(await shell('flux-apply', await render({}))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('dry-run failed'),
    })
    await inTurns(tenant, { bindings: [] }, {})
    await settled()
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })

  describe('by which a container goes from one binding to another', () => {
    const before = { objectives, bindings: [interactive('vllm')] }
    const given = { objectives, bindings: [interactive('vllm-interactive')] }
    const after = { objectives, bindings: [interactive('vllm-interactive'), batch('vllm')] }
    const takenFirst = { objectives, bindings: [batch('vllm'), interactive('vllm-interactive')] }
    const done = { 'chat-interactive': 'Reconciled', 'chat-batch': 'Reconciled' }
    const refused = { code: 1, stderr: expect.stringContaining('Conflict/IdentityCollision: ') }

    test('by Helm passes where the one that gives comes first in the chart', async () => {
      const { helm, settled, reasons } = await standing(before)
      await must(helm('upgrade', after))
      await settled()
      expect(await reasons()).toEqual(done)
    })

    test('by Helm is refused where the one that takes comes first, and passes in two steps', async () => {
      const { helm, settled, reasons } = await standing(before)
      expect(await helm('upgrade', takenFirst)).toMatchObject(refused)
      await must(helm('upgrade', given))
      await settled()
      await must(helm('upgrade', takenFirst))
      await settled()
      expect(await reasons()).toEqual(done)
    })

    test('by Flux is refused in whatever order, and passes in two that depend on each other', async () => {
      const tenant = await standing(before)
      const { shell, render, settled, reasons } = tenant
      expect(await shell('flux-apply', await render(after))).toMatchObject(refused)
      await inTurns(tenant, given, after)
      await settled()
      expect(await reasons()).toEqual(done)
    })

    test('by kubectl is refused in part where the one that takes comes first, and then passes', async () => {
      const { shell, render, settled, reasons } = await standing(before)
      const command = 'kubectl apply --server-side --force-conflicts -f -'
      expect(await shell(command, await render(takenFirst))).toMatchObject(refused)
      await settled()
      await must(shell(command, await render(takenFirst)))
      await settled()
      expect(await reasons()).toEqual(done)
    })
  })

  describe('by which a binding is dropped and another takes its container', () => {
    const before = { objectives, bindings: [interactive('vllm')] }
    const without = { objectives, bindings: [] }
    const after = { objectives, bindings: [batch('vllm')] }
    const refused = { code: 1, stderr: expect.stringContaining('Conflict/IdentityCollision: ') }

    test('by Helm, which creates before it deletes, is refused, and passes in two steps', async () => {
      const { helm, settled, reasons } = await standing(before)
      expect(await helm('upgrade', after)).toMatchObject(refused)
      expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
      await must(helm('upgrade', without))
      await settled()
      await must(helm('upgrade', after))
      await settled()
      expect(await reasons()).toEqual({ 'chat-batch': 'Reconciled' })
    })

    test('by Flux, which creates before it prunes, is refused', async () => {
      const { shell, render, reasons } = await standing(before)
      expect(await shell('flux-apply', await render(after))).toMatchObject(refused)
      expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
    })
  })
}
