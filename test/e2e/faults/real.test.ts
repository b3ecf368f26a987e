import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bindingResource, clusterSpiffeIdResource, allResources } from '../../../src/core/resources.ts'
import { writeKubeconfig } from '../../support/embedded/kubeconfig.ts'
import { whenSettled } from '../../support/model.ts'
import type { RunningOperator } from '../../support/operator.ts'
import { describeReal } from '../../support/real.ts'
import { createAdmin, placeOf, uidOf, type Admin } from '../../support/world.ts'
import { startCluster, type Cluster } from '../support/cluster.ts'
import { apart, expectNoAccident, scene, startOperatorAt } from './support/site.ts'

describeReal('on a real API server', () => {
  const stack = new AsyncDisposableStack()
  let cluster: Cluster
  let admin: Admin
  let operator: RunningOperator

  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(args)
    if (code !== 0) throw new Error(stderr)
    return stdout.trim()
  }

  beforeAll(async () => {
    cluster = await startCluster()
    stack.defer(() => cluster.stop())
    const { server, caPem, adminToken } = cluster.plane
    admin = createAdmin({ server, caPem, token: adminToken })
    stack.defer(() => admin.client.close())
    for (const resource of allResources) await admin.serve(resource)
    await must('create', 'namespace', 'kleym-system')
    await must('create', 'serviceaccount', 'operator', '--namespace=kleym-system')
    const token = await must('create', 'token', 'operator', '--namespace=kleym-system')
    const kubeconfig = await writeKubeconfig(server, caPem, token)
    stack.defer(kubeconfig.remove)
    operator = await startOperatorAt(kubeconfig.path)
    stack.defer(async () => {
      await operator.stop('SIGKILL')
    })
  })
  afterAll(() => stack.disposeAsync())

  test('without permissions it lives, says so once, and begins when it is granted them', async () => {
    const refusals = (): number =>
      operator
        .log()
        .split('\n')
        .filter((line) => line.includes('403')).length
    await vi.waitUntil(() => refusals() > 0, { timeout: 20_000 })
    await vi.waitUntil(async () => (await fetch(`${operator.probes}/healthz`)).ok, { timeout: 10_000 })
    const { status } = await fetch(`${operator.probes}/readyz`)
    expect(status).toBe(503)
    const subject = '--serviceaccount=kleym-system:operator'
    await must('create', 'clusterrolebinding', 'operator', '--clusterrole=cluster-admin', subject)
    for (const manifest of [...scene, apart('kept'), apart('changing'), apart('leaving')])
      await admin.put(manifest)
    await whenSettled(admin)
    expect(refusals()).toBe(1)
  })

  test('when the API server ends and starts again, nothing is withdrawn and nothing is missed', async () => {
    const { find, list, put, remove } = admin
    const before = operator.log().length
    const uids = new Map(
      (await list(clusterSpiffeIdResource)).map((output) => [placeOf(output).name, uidOf(output)]),
    )
    // The watches may be cut before they have told of these.
    await put(apart('changing', 'other'))
    await remove(bindingResource, { namespace: 'default', name: 'leaving' })
    await cluster.plane.restartApiServer()
    await put(apart('new'))
    await whenSettled(admin)
    const binding = await find(bindingResource, { namespace: 'default', name: 'kept' })
    const outputs = await list(clusterSpiffeIdResource)
    const kept = outputs.filter((output) => placeOf(output).name.includes('-kept-'))
    expect(kept.map((output) => uidOf(output) === uids.get(placeOf(output).name))).toEqual([true])
    expect(binding).toHaveProperty('status.conditions.0.reason', 'Reconciled')
    expect(operator.log().slice(before)).not.toContain('skipping unavailable GVK')
  })

  test('after that it ends in good order', async () => {
    expect(await operator.stop()).toBe(0)
    expectNoAccident(operator.log())
  })
})
