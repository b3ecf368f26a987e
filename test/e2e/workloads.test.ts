import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bindingResource, clusterSpiffeIdResource, optionalResources } from '../../src/core/resources.ts'
import { createClient, resourcePath, type Client } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { listRememberedPods } from '../../src/kube/pods.ts'
import { bindingsIn } from '../cli/checking.ts'
import { kleym } from '../cli/program.ts'
import { binding, clusterSpiffeId, objective, pool } from '../support/builders.ts'
import { freePort } from '../support/controlplane/daemon.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeReal } from '../support/real.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { metric } from './loop/support/metrics.ts'
import { eventually, newTenant, type Tenant } from './loop/support/tenant.ts'
import { bodyOf, startCluster, until, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { webhooksAreAsked } from './support/webhook.ts'

describeReal('the workloads of a binding, on a real API server', () => {
  let cluster: Cluster
  let operator: RunningOperator
  let metrics: string
  /** The pods of this namespace run as `other` and have no container `main`; a fallback gives all of them an identity. */
  let tenant: Tenant
  let client: Client

  beforeAll(async () => {
    cluster = await startCluster()
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'strict')
    metrics = `127.0.0.1:${await freePort()}`
    operator = await startOperator({
      kubeconfig: cluster.plane.kubeconfig,
      trustDomain: 'example.org',
      args: [`--metrics-bind-address=${metrics}`, '--metrics-secure=false'],
    })
    await operator.ready()
    await webhooksAreAsked(cluster)
    client = createClient(loadKubeConfig({ kubeconfig: cluster.plane.kubeconfig, context: undefined }))
    tenant = await newTenant(cluster, 'workloads')
    await tenant.has(pool(), objective())
    for (const name of ['a', 'b']) await tenant.hasPod({ name, account: 'other', containers: ['vllm'] })
    await tenant.hasPod({ name: 'elsewhere', labels: { app: 'elsewhere' } })
  })
  afterAll(async () => {
    await client.close()
    await operator.stop()
    await cluster.stop()
  })

  /** What the API server warns of when a binding is created, as a dry run. */
  const warnings = async (manifest: Manifest): Promise<readonly string[]> => {
    const { namespace } = tenant
    const path = `${resourcePath(bindingResource, { namespace })}?dryRun=All`
    const { uid: _, generation: _generation, ...metadata } = manifest.metadata
    const reply = await cluster.client.post(path, { ...manifest, metadata: { ...metadata, namespace } })
    bodyOf(reply, 'a dry run')
    return reply.warnings
  }
  const reasons = async (manifest: Manifest): Promise<readonly string[]> =>
    (await warnings(manifest)).flatMap((warning) => /[A-Za-z]+\/([A-Za-z]+): /.exec(warning)?.[1] ?? [])

  const events = async () => (await tenant.events('chat')).filter((reason) => reason === 'NotProcessed')
  const runs = () => metric(metrics, 'kleym_reconcile_duration_seconds_count')
  const counted = async (state: string): Promise<boolean> =>
    (await (await fetch(`http://${metrics}/metrics`)).text()).includes(
      `kleym_clusterspiffeids{state="${state}"} 1\n`,
    )
  /** Makes a pod anew, under the same name. */
  const remade = async (account: string): Promise<void> => {
    const { namespace } = tenant
    const path = resourcePath({ group: '', version: 'v1', plural: 'pods' }, { namespace, name: 'anew' })
    await cluster.client.delete(`${path}?gracePeriodSeconds=0`)
    await tenant.hasPod({ name: 'anew', account, containers: ['vllm'] })
  }

  /** Lists the pods as the operator does. */
  const list = (pairs: readonly string[], limit: number, token?: string, name?: string) =>
    listRememberedPods(
      client,
      { namespace: tenant.namespace, pairs, ...(name !== undefined && { name }) },
      { limit, maxBytes: 1_000_000, ...(token !== undefined && { token }) },
      AbortSignal.timeout(5_000),
    )

  test('a service account as which no pod runs is warned of, naming as whom they run, and the container too', async () => {
    expect(await warnings(binding())).toEqual([
      expect.stringMatching(
        /spec\.serviceAccountName: Not found: .*no pod of the pool runs as it, of 2 that are there; they run as .*other/,
      ),
      expect.stringMatching(/spec\.containerName: Not found: .*of 2 that are there; they have .*vllm/),
    ])
  })

  test('check --live says the same', async () => {
    const { namespace } = tenant
    const flags = ['--live', '-f', '-', '-n', namespace, '--trust-domain', 'example.org', '-o', 'json']
    for (const [spec, expected] of [
      [{}, ['NoSuchServiceAccount', 'NoSuchContainer']],
      [{ serviceAccountName: 'other' }, ['NoSuchContainer']],
      [{ serviceAccountName: 'other', containerName: 'vllm' }, []],
    ] as const) {
      const one = binding({ name: 'planned', spec })
      const stdin = JSON.stringify({ ...one, metadata: { name: one.metadata.name } })
      const { stdout } = await kleym(['check', ...flags, '--kubeconfig', cluster.plane.kubeconfig], { stdin })
      const [planned] = bindingsIn(stdout)
      expect(planned?.findings.map(({ reason }) => reason)).toEqual(expected)
      expect(await reasons(binding({ spec }))).toEqual(expected)
    }
  })

  test('a container that no pod has is warned of, naming those that they have', async () => {
    expect(await warnings(binding({ spec: { serviceAccountName: 'other' } }))).toEqual([
      expect.stringMatching(/spec\.containerName: Not found: .*of 2 that run as .*other.*; they have .*vllm/),
    ])
  })

  test('what fits is not warned of', async () => {
    const spec = { serviceAccountName: 'other', containerName: 'vllm' }
    expect(await reasons(binding({ spec }))).toEqual([])
  })

  test('a fallback that selects these pods is named once it is known', async () => {
    const fallback = clusterSpiffeId(
      'everyone',
      {},
      {
        spiffeIDTemplate: 'spiffe://example.org/pod',
        fallback: true,
        podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['chat'] }] },
      },
    )
    await cluster.create(resourceOf(fallback), fallback)
    const spec = { serviceAccountName: 'other', containerName: 'vllm' }
    await until('the fallback is known', async () =>
      (await reasons(binding({ spec }))).includes('FallbackSuppressed'),
    )
    await cluster.client.delete(resourcePath(clusterSpiffeIdResource, { name: 'everyone' }))
    await until('it is forgotten', async () => (await reasons(binding({ spec }))).length === 0)
  })

  describe('the pods that the API server remembers', () => {
    test('come in pages, of the limit that is asked for', async () => {
      const page = await list(['app=chat'], 1)
      expect(page).toMatchObject({ kind: 'page', pods: [{ name: 'a' }], next: expect.any(String) })
      const rest = page.kind === 'page' ? await list(['app=chat'], 5, page.next) : page
      expect(rest).toMatchObject({ kind: 'page', pods: [{ name: 'b' }], next: undefined })
    })

    test('can be asked for by name, if they have the labels', async () => {
      const page = { kind: 'page', next: undefined }
      expect(await list(['app=chat'], 1, undefined, 'b')).toMatchObject({ ...page, pods: [{ name: 'b' }] })
      for (const name of ['elsewhere', 'absent'])
        expect(await list(['app=chat'], 1, undefined, name)).toMatchObject({ ...page, pods: [] })
    })

    test('come without finished ones', async () => {
      const { namespace } = tenant
      await tenant.hasPod({ name: 'done', labels: { app: 'job' } })
      await eventually(async () => {
        expect(await list(['app=job'], 5)).toMatchObject({ pods: [{ name: 'done' }] })
      })
      const path = resourcePath(
        { group: '', version: 'v1', plural: 'pods' },
        { namespace, name: 'done', subresource: 'status' },
      )
      bodyOf(await cluster.client.patch(path, { status: { phase: 'Succeeded' } }), 'finishing a pod')
      await eventually(async () => {
        expect(await list(['app=job'], 5)).toMatchObject({ kind: 'page', pods: [] })
      })
      expect(await list(['app=job'], 5, undefined, 'done')).toMatchObject({ kind: 'page', pods: [] })
    })

    test('that are too large for the time there is are not waited for', async () => {
      const page = await listRememberedPods(
        client,
        { namespace: tenant.namespace, pairs: ['app=chat'] },
        { limit: 10, maxBytes: 500 },
        AbortSignal.timeout(5_000),
      )
      expect(page).toEqual({ kind: 'unknown', why: 'the answer has more than 500 bytes' })
      expect(await list(['app=chat'], 10)).toMatchObject({ kind: 'page' })
    })
  })

  test('a pod that is made anew under its name with another account is seen so', async () => {
    const spec = { serviceAccountName: 'fitting', containerName: 'vllm' }
    await remade('fitting')
    await eventually(async () => expect(await reasons(binding({ spec }))).toEqual([]))
    expect(await reasons(binding({ spec }))).toEqual([])
    await remade('another')
    await eventually(async () => expect(await reasons(binding({ spec }))).toEqual(['NoSuchServiceAccount']))
  })

  test('the reviews that looked at pods are counted', async () => {
    expect(await metric(metrics, 'kleym_admission_pod_lists_total')).toBeGreaterThan(3)
  })

  describe('an output', () => {
    const spec = { serviceAccountName: 'other', containerName: 'vllm' }

    beforeAll(async () => {
      await tenant.has(binding({ spec }))
      await tenant.settles({ chat: 'Ready/Reconciled' })
    })

    test('that nobody has looked at is told of after a minute, once', { timeout: 120_000 }, async () => {
      expect(await events()).toEqual([])
      await vi.waitFor(async () => expect(await events()).not.toEqual([]), {
        timeout: 90_000,
        interval: 500,
      })
      expect(await events()).toEqual(['NotProcessed'])
      expect(operator.log()).toContain('not processed')
    })

    test('is counted by what became of it, and its status is nothing to react to', async () => {
      expect(await counted('not_processed')).toBe(true)
      const before = await runs()
      for (let pods = 1; pods <= 20; pods += 1)
        await tenant.processed('chat', { podsSelected: pods, entriesToSet: pods })
      await eventually(async () => {
        expect(await counted('entries')).toBe(true)
      })
      expect(await runs()).toBe(before)
    })
  })
})
