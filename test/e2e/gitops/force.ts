import { expect, test } from 'vitest'
import { poolResources } from '../../../src/core/resources.ts'
import { metaOf, type Cluster } from '../support/cluster.ts'
import { must, outputsWith, startTenant } from './tenant.ts'

const tools = [
  'kubectl apply --force -f -',
  'kubectl apply --server-side --force-conflicts -f -',
  'flux-apply --force',
]

export function forceSuite(cluster: () => Cluster): void {
  test.each(tools)('of a pool that is refused leaves it as it is: %s', async (command) => {
    const { namespace, shell, render, settled, reasons } = await startTenant(cluster())
    await must(shell(command.replace(/ --force(?:-conflicts)?/, ''), await render({})))
    await settled()
    const pool = async () => {
      const [resource] = poolResources
      if (!resource) throw new Error('there is no kind of pools')
      const live = (await cluster().find(resource, { namespace, name: 'chat' })) ?? {}
      const { uid, deletionTimestamp } = metaOf(live)
      return { uid, deletionTimestamp, spec: live['spec'] }
    }
    const before = await pool()
    expect(before.uid).toBeDefined()
    // Only the pool is applied, so that what the tool does after the refusal can be seen.
    const manifests = await render({ pool: { labels: { model: '' } }, objectives: [], bindings: [] })
    const { code, stderr } = await shell(command, manifests)
    expect(stderr).toContain('chat-interactive would get no identity: UnsafeSelector/InvalidPoolSelector: ')
    expect(code).toBe(1)
    expect(await pool()).toEqual(before)
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
    expect(await outputsWith(cluster(), namespace, 'chat-interactive')).toHaveLength(1)
  })
}
