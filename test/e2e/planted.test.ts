import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectOptions } from '../../src/cli/inspect-options.ts'
import { inspect } from '../../src/cli/inspect.ts'
import { clusterSpiffeIdResource, leaseResource, type Resource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { openReads } from '../../src/reads/reads.ts'
import { binding, clusterSpiffeId, objective, pool } from '../support/builders.ts'
import { describeReal } from '../support/real.ts'
import { openStage, type Stage } from './loop/support/stage.ts'
import { newTenant, type Tenant } from './loop/support/tenant.ts'
import { bodyOf, createNamespace } from './support/cluster.ts'

const deploymentResource: Resource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
}

/** A mistake that leaves the pods of a binding without an identity, and what then stands in the first line. */
type Fault = {
  readonly title: string
  /** What is made beside a pool, and a pod that fits unless something is said of pods. */
  readonly plant: (tenant: Tenant) => Promise<void>
  /** The statistics of SPIRE Controller Manager on the ClusterSPIFFEID; undefined if there is none, or it is passed over. */
  readonly stats?: Readonly<Record<string, number>>
  readonly says: RegExp
}

const processed = { podsSelected: 1, entriesToSet: 1 }

/** A binding that is Ready, and a pod of the pool that is like this. */
const withPod =
  (pod: Parameters<Tenant['hasPod']>[0]) =>
  async (tenant: Tenant): Promise<void> => {
    await tenant.has(objective(), binding())
    await tenant.hasPod(pod)
    await tenant.settles({ chat: 'Ready/Reconciled' })
  }

const faults: readonly Fault[] = [
  // This case comes first: SPIRE Controller Manager must not have looked at any ClusterSPIFFEID of this class yet.
  {
    title: 'another class',
    plant: withPod({}),
    says: /runs and passes ClusterSPIFFEID kleym-\S+ over, which has no class: it looks at class "gpu"\. Fix: run the operator with --clusterspiffeid-class-name=gpu/v,
  },
  {
    title: 'pods under another ServiceAccount',
    plant: withPod({ account: 'other' }),
    stats: processed,
    says: /pod chat-0: it runs as ServiceAccount "other", not as "server"\. Fix: name the ServiceAccount that the pods run as/v,
  },
  {
    title: 'pods with another container',
    plant: withPod({ containers: ['vllm'], initContainers: ['init'] }),
    stats: processed,
    says: /pod chat-0: it has no container "main", but "init", "vllm"\. Fix: name a container that the pods have/v,
  },
  {
    title: 'pods with another label',
    plant: async (tenant) => {
      await tenant.has(
        pool({ name: 'decode', selector: { matchLabels: { app: 'chat', role: 'decode' } } }),
        objective({ poolRef: { name: 'decode' } }),
        binding({ spec: { poolRef: { name: 'decode' } } }),
      )
      await tenant.hasPod({ labels: { app: 'chat', role: 'decod' } })
      await tenant.settles({ chat: 'Ready/Reconciled' })
    },
    stats: processed,
    says: /nearest comes pod chat-0: label role is "decod", not "decode"\. Fix: correct the labels of the pods/v,
  },
  {
    title: 'another trust domain',
    plant: withPod({}),
    stats: { podsSelected: 1, podEntryRenderFailures: 1 },
    says: /could make no entry for 1 of 1 pods: most likely it is of another trust domain than "example\.org"\. Fix: run the operator with the trustDomain of/v,
  },
  {
    title: 'an ignored namespace',
    plant: withPod({}),
    stats: { namespacesIgnored: 1 },
    says: /SPIRE Controller Manager ignores namespace planted-\S+\. Fix: take it out of ignoreNamespaces/v,
  },
  {
    title: 'a collision',
    plant: async (tenant) => {
      await tenant.has(objective(), binding(), binding({ name: 'rival' }))
      await tenant.settles({ chat: 'Conflict/IdentityCollision' })
    },
    says: /Conflict\/IdentityCollision: identity collision with bindings rival: .* Fix: give this binding, or the other one, another container/v,
  },
  {
    title: 'an objective that is missing',
    plant: async (tenant) => {
      await tenant.has(objective({ name: 'chats' }), binding())
      await tenant.settles({ chat: 'InvalidRef/TargetObjectiveNotFound' })
    },
    says: /InvalidRef\/TargetObjectiveNotFound: spec\.objectiveRef\.name "chat": no such .* Fix: did you mean "chats"\? Else create the objective/v,
  },
]

const lease = (renewedAgoMs: number) => ({
  metadata: { name: 'planted.spiffe.io', namespace: 'spire' },
  spec: {
    holderIdentity: 'spire-server-0',
    renewTime: new Date(Date.now() - renewedAgoMs).toISOString().replace('Z', '000Z'),
  },
})

describeReal('what inspect says first of a planted fault', () => {
  let stage: Stage
  const tenants = new Map<string, Tenant>()

  /** The command in this process: ten starts of Node would take most of the time. */
  const firstLine = async (title: string): Promise<string> => {
    const namespace = tenants.get(title)?.namespace ?? ''
    const { kubeconfig } = stage.cluster.plane
    const parsed = inspectOptions(['binding', 'chat', '-n', namespace, '--kubeconfig', kubeconfig], {})
    if (parsed.kind !== 'options') throw new Error(`the command line is ${parsed.kind}`)
    const reads = openReads(parsed.cluster)
    try {
      const { code, stdout, stderr } = await inspect(parsed.options, { now: new Date(), ...reads })
      expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
      return stdout.split('\n', 1)[0] ?? ''
    } finally {
      await reads.close()
    }
  }

  const planted = async (title: string, plant: Fault['plant']): Promise<void> => {
    const tenant = await newTenant(stage.cluster, 'planted')
    tenants.set(title, tenant)
    await tenant.has(pool())
    await plant(tenant)
  }

  /** Makes it look as if SPIRE Controller Manager ran and had looked at a ClusterSPIFFEID of its class that is younger than all of ours. */
  const runSpire = async (): Promise<void> => {
    await stage.cluster.create(leaseResource, lease(0))
    const name = 'younger'
    await stage.cluster.create(clusterSpiffeIdResource, {
      ...clusterSpiffeId(name, {}, { spiffeIDTemplate: 'spiffe://example.org/x', className: 'gpu' }),
    })
    const path = resourcePath(clusterSpiffeIdResource, { name, subresource: 'status' })
    const stats = { namespacesSelected: 0, ...processed }
    bodyOf(await stage.cluster.client.patch(path, { status: { stats } }), 'processing it')
  }

  beforeAll(async () => {
    stage = await openStage()
    const plants = faults.map(({ title, plant }) => planted(title, plant))
    await Promise.all([...plants, createNamespace(stage.cluster, 'spire')])
    // A creationTimestamp has whole seconds, so what runSpire creates is younger only if a second has passed.
    await setTimeout(1_000)
    await runSpire()
  })
  afterAll(() => stage.stop())

  test.each(faults)('$title', async ({ title, stats, says }) => {
    if (stats) await tenants.get(title)?.processed('chat', stats)
    const line = await firstLine(title)
    expect(line).toMatch(/^NOT READY: /v)
    expect(line).toMatch(says)
  })

  test('no SPIRE Controller Manager that runs', async () => {
    const path = resourcePath(leaseResource, { name: 'planted.spiffe.io', namespace: 'spire' })
    bodyOf(await stage.cluster.client.patch(path, lease(600_000)), 'letting the Lease lapse')
    expect(await firstLine('another class')).toBe(
      'NOT READY: SPIRE Controller Manager does not run: Lease spire/planted.spiffe.io was last renewed 10 min ago. Fix: start SPIRE Controller Manager; entries are made as soon as it is back.',
    )
  })

  test('a dead operator', async () => {
    await stage.stopOperator()
    const labels = { 'app.kubernetes.io/name': 'kleym', 'app.kubernetes.io/component': 'operator' }
    await stage.cluster.create(deploymentResource, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'ours', namespace: 'kleym-system', labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [{ name: 'operator', image: 'registry.example.com:5000/kleym-operator:0.1.0' }],
          },
        },
      },
    })
    await planted('dead', async (tenant) => tenant.has(objective(), binding()))
    expect(await firstLine('dead')).toBe(
      'NOT READY: the operator does not work: none of 2 replicas is ready. Fix: see kubectl -n kleym-system describe deployment ours, and its log.',
    )
  })
})
