import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { clusterSpiffeId } from '../../support/builders.ts'
import { textOf } from '../../support/embedded/json.ts'
import type { Cluster } from '../support/cluster.ts'
import { chart, must, outputsWith, root, startTenant } from './tenant.ts'

/** How long Helm may take from the moment when the last object is ready, or has failed, to its answer. */
const atOnceMs = 2_000

const helm = (command: string, flags: string): string => `helm ${command} chat ${chart} --wait ${flags}`

export function waitsSuite(cluster: () => Cluster): void {
  test('succeeds when the binding is Ready, and not before', async () => {
    const { shell, reasons } = await startTenant(cluster())
    await must(shell(helm('install', '--timeout 20s')))
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })

  test('of a binding whose pool is not there ends with the time, and with the reason', async () => {
    const { namespace, shell } = await startTenant(cluster())
    const without = join(cluster().plane.directory, namespace)
    await cp(join(root, chart), without, { recursive: true })
    await rm(join(without, 'templates/pool.yaml'))
    const absent = await shell(`helm install chat ${without} --wait --timeout 3s`)
    expect(absent.stderr).toMatch(/chat-interactive.*InProgress.*no such InferencePool/s)
    expect(absent.code).toBe(1)
  })

  test('of a binding that only an edit can mend ends at once, with the reason', async () => {
    const tenant = await startTenant(cluster())
    await must(tenant.shell(helm('install', '--timeout 20s')))
    const [name] = await outputsWith(cluster(), tenant.namespace, 'chat-interactive')
    await must(tenant.shell('helm uninstall chat --wait'))
    await cluster().create(clusterSpiffeIdResource, clusterSpiffeId(textOf(name)))
    const { ms: right } = await timed(() => tenant.shell(helm('install', '--dry-run=server')))
    const { code, stderr, ms } = await timed(() => tenant.shell(helm('install', '--timeout 30s')))
    expect(stderr).toMatch(/chat-interactive.*Failed.*belongs/s)
    expect(code).toBe(1)
    expect(ms).toBeLessThan(right + atOnceMs)
  })

  test('of a release that makes a pool safe succeeds', async () => {
    const { namespace, shell, settled, reasons } = await startTenant(cluster())
    await must(shell(`kubectl label namespace ${namespace} kleym.sonda.red/admission=warn`))
    await must(shell(`helm install chat ${chart} --set pool.labels.model=`))
    await settled()
    expect(await reasons()).toEqual({ 'chat-interactive': 'InvalidPoolSelector' })
    await must(shell(helm('upgrade', '--reset-values --timeout 20s')))
    expect(await reasons()).toEqual({ 'chat-interactive': 'Reconciled' })
  })
}

async function timed<T extends object>(run: () => Promise<T>): Promise<T & { readonly ms: number }> {
  const started = performance.now()
  const result = await run()
  return { ...result, ms: performance.now() - started }
}
