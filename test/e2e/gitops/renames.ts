import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import { until, type Cluster } from '../support/cluster.ts'
import { nameIn, record, told } from '../support/recording.ts'
import { must, outputsWith, startTenant, type Tenant } from './tenant.ts'

const renamed = (replaces?: string) => ({
  bindings: [
    { name: 'chat', objective: 'chat-interactive', container: 'vllm', ...(replaces && { replaces }) },
  ],
})

/** Applies the chart with these values as the tool does that also deletes what is no longer in it. */
type Release = (tenant: Tenant, cluster: Cluster, before: object, after: object) => Promise<void>

const tools: Readonly<Record<string, Release>> = {
  Helm: async ({ helm }, _cluster, _before, after) => void (await must(helm('upgrade', after))),
  Flux: async ({ shell, render, namespace }, { plane }, before, after) => {
    const earlier = join(plane.directory, `${namespace}.yaml`)
    await writeFile(earlier, await render(before))
    await must(shell('flux-apply', await render(before)))
    await must(shell(`flux-apply --prune-from ${earlier}`, await render(after)))
  },
  'kubectl apply --prune': async ({ shell, render }, _cluster, before, after) => {
    const kinds = 'kleym.sonda.red/v1alpha1/InferenceIdentityBinding'
    await must(shell('kubectl apply -f -', await render(before)))
    await must(shell(`kubectl apply -f - --prune --all --prune-allowlist=${kinds}`, await render(after)))
  },
}

/** The chart with its own values is installed, and its binding is Ready. */
async function installed(cluster: Cluster): Promise<Tenant> {
  const tenant = await startTenant(cluster)
  await must(tenant.helm('install', {}))
  await until(
    'the binding is ready',
    async () => (await tenant.reasons())['chat-interactive'] === 'Reconciled',
  )
  return tenant
}

export function renamesSuite(cluster: () => Cluster): void {
  test.each(Object.keys(tools))(
    'by %s succeeds, and at every moment there is a ClusterSPIFFEID',
    async (tool) => {
      const tenant = await installed(cluster())
      const { namespace, reasons, settled } = tenant
      const [before] = await outputsWith(cluster(), namespace, 'chat-interactive')
      const recording = await record(cluster(), clusterSpiffeIdResource)
      const output = await outputOf(cluster(), String(before))
      await tools[tool]?.(tenant, cluster(), {}, renamed('chat-interactive'))
      await until('the old binding is gone', async () => !('chat-interactive' in (await reasons())))
      const events = await recording.until((event) => event.type === 'DELETED' && nameIn(event) === before)
      recording.stop()
      await settled()
      expect(await reasons()).toEqual({ chat: 'Reconciled' })
      const present = new Set([String(before)])
      for (const event of events) {
        if (event.type === 'DELETED' || !isAlike(event.object, output)) present.delete(nameIn(event))
        else present.add(nameIn(event))
        expect(present.size, `after ${told(event)} of ${events.map(told).join(', ')}`).toBeGreaterThan(0)
      }
      expect([...present]).toEqual(await outputsWith(cluster(), namespace, 'chat-interactive'))
    },
  )

  test('without the annotation is refused, with the annotation as the way out', async () => {
    const { helm, reasons } = await installed(cluster())
    const { code, stderr } = await helm('upgrade', renamed())
    expect(stderr).toContain(
      'Conflict/IdentityCollision: identity collision with bindings chat-interactive: ',
    )
    expect(stderr).toContain('kleym.sonda.red/replaces')
    expect(code).toBe(1)
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })

  test('once done, the annotation can go', async () => {
    const { helm, settled, reasons } = await installed(cluster())
    await must(helm('upgrade', renamed('chat-interactive')))
    await settled()
    await must(helm('upgrade', renamed()))
    await settled()
    expect(await reasons()).toEqual({ chat: 'Reconciled' })
  })

  test('is no way past a collision: of another identity it is refused', async () => {
    const { helm, reasons } = await installed(cluster())
    const { code, stderr } = await helm('upgrade', {
      objectives: ['chat-interactive', 'chat-batch'],
      bindings: [{ name: 'chat', objective: 'chat-batch', container: 'vllm', replaces: 'chat-interactive' }],
    })
    expect(stderr).toMatch(/Conflict\/(?:IdentityCollision|PendingCollision): /)
    expect(code).toBe(1)
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })
}

const outputOf = async ({ find }: Cluster, name: string): Promise<Json> =>
  (await find(clusterSpiffeIdResource, { name })) ?? {}

/** They give the same ID to the same workloads. */
const isAlike = (one: Json, other: Json): boolean => identityIn(one) === identityIn(other)

function identityIn(output: Json): string {
  const { spiffeIDTemplate, workloadSelectorTemplates, podSelector } = recordOf(output['spec'])
  return JSON.stringify([spiffeIDTemplate, workloadSelectorTemplates, podSelector])
}
