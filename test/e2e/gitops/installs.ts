import { expect, test } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { must, startTenant } from './tenant.ts'

/** How long a person at a terminal takes for at once. The machine has little else to do. */
const patienceMs = 2_000

const both = [
  { name: 'chat-interactive', objective: 'chat-interactive', container: 'vllm' },
  { name: 'chat-batch', objective: 'chat-batch', container: 'vllm' },
]

const poolGroup = 'inference.networking.k8s.io'

const unsafePool = { pool: { labels: { model: '' } } }

const wrong = [
  {
    title: 'an unsafe pool',
    values: unsafePool,
    says: [
      'InferenceIdentityBinding chat-interactive would get no identity: UnsafeSelector/InvalidPoolSelector: ',
    ],
  },
  {
    title: 'two objectives for one container',
    values: { objectives: ['chat-interactive', 'chat-batch'], bindings: both },
    // Helm sends all bindings of a chart at once, so either of the two can come second.
    says: ['" is invalid:', 'Conflict/PendingCollision: ', 'chat-interactive', 'chat-batch'],
  },
  {
    title: 'two objectives for one container, whose bindings name the pool in two ways',
    values: {
      objectives: ['chat-interactive', 'chat-batch'],
      bindings: both.map((one, index) => (index === 0 ? { ...one, poolGroup } : one)),
    },
    says: [
      'InferenceIdentityBinding chat-interactive would get no identity: Conflict/IdentityCollision: identity collision with bindings chat-batch: ',
      'InferenceIdentityBinding chat-batch would get no identity: Conflict/IdentityCollision: identity collision with bindings chat-interactive: ',
    ],
  },
]
async function timedInstall(cluster: Cluster, values: object) {
  const { helm } = await startTenant(cluster)
  const started = performance.now()
  const result = await helm('install', values)
  return { ...result, ms: performance.now() - started }
}

export function installsSuite(cluster: () => Cluster): void {
  test.each(wrong)('of $title fails at once, with the reason and the name of the binding', async (one) => {
    const right = await timedInstall(cluster(), {})
    const { code, stderr, ms } = await timedInstall(cluster(), one.values)
    for (const words of one.says) expect(stderr).toContain(words)
    expect(code).toBe(1)
    expect(ms).toBeLessThan(Math.max(patienceMs, 2 * right.ms))
  })

  test.each(wrong)('of $title leaves no binding that is refused an identity', async (one) => {
    const { helm, settled, reasons } = await startTenant(cluster())
    expect(await helm('install', one.values)).toMatchObject({ code: 1 })
    await settled()
    for (const reason of Object.values(await reasons()))
      expect(['Reconciled', 'TargetPoolNotFound', 'TargetObjectiveNotFound']).toContain(reason)
  })

  test('of an unsafe pool is mended by an upgrade with the right values', async () => {
    const { helm, settled, reasons } = await startTenant(cluster())
    expect(await helm('install', unsafePool)).toMatchObject({ code: 1 })
    await must(helm('upgrade', {}))
    await settled()
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })

  test.each(wrong)('of $title is mended by an uninstall and an install', async (one) => {
    const { helm, shell, settled, reasons } = await startTenant(cluster())
    expect(await helm('install', one.values)).toMatchObject({ code: 1 })
    await must(shell('helm uninstall chat --wait'))
    await must(helm('install', {}))
    await settled()
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })

  test('of what is right succeeds, and nothing speaks of a denial', async () => {
    const { helm, settled, reasons } = await startTenant(cluster())
    const { code, stdout, stderr } = await helm('install', {})
    expect(stdout + stderr).not.toMatch(/denied|forbidden/i)
    expect(code).toBe(0)
    await settled()
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })

  test('once there, an upgrade that changes nothing writes nothing', async () => {
    const tenant = await startTenant(cluster())
    await must(tenant.helm('install', {}))
    await tenant.settled()
    const versions = () =>
      tenant.shell(
        'kubectl get iib,inferencepools,inferenceobjectives.llm-d.ai -o jsonpath={.items[*].metadata.resourceVersion}',
      )
    const before = await must(versions())
    await must(tenant.helm('upgrade', {}))
    expect(await versions()).toEqual(before)
  })
}
