import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { objectOr } from '../../src/core/json.ts'
import { clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { nameOf } from '../deploy/manifests.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeReal } from '../support/real.ts'
import type { Manifest } from '../support/vectors.ts'
import { eventually, newTenant, type Tenant } from './loop/support/tenant.ts'
import { startCluster, type Cluster } from './support/cluster.ts'
import { serveBindings } from './support/kinds.ts'
import { binding as unstored } from './support/manifests.ts'
import { trustDomain } from './support/verdicts.ts'
import { webhooksAreAsked } from './support/webhook.ts'

const crds = resolve(import.meta.dirname, '../crds')

type Together = {
  readonly title: string
  /** The CustomResourceDefinitions that are installed, and no other, below `test/crds`. */
  readonly files: readonly string[]
  readonly poolGroup?: string
  readonly objectiveGroup: string
  /** Fields that the ClusterSPIFFEID of that release does not know. */
  readonly pruned: readonly string[]
}

const k8s = 'inference.networking.k8s.io'
const xk8s = 'inference.networking.x-k8s.io'
const llmd = 'llm-d.ai'

/** Releases that went together, the oldest first. docs/compatibility.md tells of them. */
const releases: readonly Together[] = [
  {
    title: 'the x-k8s pools of GAIE 1.4.0 and SPIRE Controller Manager 0.4.4',
    files: [
      'gaie-v1.4.0-x-k8s-inferencepools.yaml',
      'earlier/gaie-v1.4.0-x-k8s-inferenceobjectives.yaml',
      'earlier/spire-controller-manager-v0.4.4-clusterspiffeids.yaml',
    ],
    poolGroup: xk8s,
    objectiveGroup: xk8s,
    pruned: ['hint', 'fallback'],
  },
  {
    title: 'GAIE 1.4.0 and SPIRE Controller Manager 0.5.0',
    files: [
      'earlier/gaie-v1.4.0-inferencepools.yaml',
      'earlier/gaie-v1.4.0-x-k8s-inferenceobjectives.yaml',
      'earlier/spire-controller-manager-v0.5.0-clusterspiffeids.yaml',
    ],
    objectiveGroup: xk8s,
    pruned: ['hint', 'fallback'],
  },
  {
    title: 'GAIE 1.5.0 and SPIRE Controller Manager 0.6.0',
    files: [
      'earlier/gaie-v1.5.0-inferencepools.yaml',
      'gaie-v1.5.0-x-k8s-inferenceobjectives.yaml',
      'earlier/spire-controller-manager-v0.6.0-clusterspiffeids.yaml',
    ],
    objectiveGroup: xk8s,
    pruned: [],
  },
  {
    title: 'GAIE 1.6.0, llm-d-router 0.9.0 and SPIRE Controller Manager 0.6.6',
    files: [
      'gaie-v1.6.0-inferencepools.yaml',
      'llm-d-router-v0.9.0-inferenceobjectives.yaml',
      'spire-controller-manager-v0.6.6-clusterspiffeids.yaml',
    ],
    objectiveGroup: llmd,
    pruned: [],
  },
]

describeReal('the operator, where the kinds of others are those of', () => {
  describe.each(releases)('$title', ({ files, poolGroup = k8s, objectiveGroup, pruned }) => {
    let cluster: Cluster
    let operator: RunningOperator | undefined
    let tenant: Tenant

    beforeAll(async () => {
      cluster = await startCluster()
      const paths = files.flatMap((file) => ['-f', resolve(crds, file)])
      for (const args of [
        ['create', ...paths],
        ['wait', '--for=condition=Established', '--timeout=60s', ...paths],
      ]) {
        const { code, stderr } = await cluster.kubectl(args)
        if (code !== 0) throw new Error(stderr)
      }
      await serveBindings(cluster, 'strict')
      operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain })
      await operator.ready()
      await webhooksAreAsked(cluster)
      tenant = await newTenant(cluster, 'models')
      await tenant.has(poolOf(poolGroup), objectiveOf('chat'), objectiveOf('other'))
    })
    afterAll(async () => {
      await operator?.stop()
      await cluster.stop()
    })

    /** With the pool's group: the schemas of these releases name the one of Kubernetes where nothing else is said. */
    const objectiveOf = (name: string): Manifest =>
      objective({ name, group: objectiveGroup, poolRef: { name: 'chat', group: poolGroup } })

    test('a binding becomes Ready, with all in its ClusterSPIFFEID that there is room for', async () => {
      await tenant.has(binding())
      await tenant.settles({ chat: 'Ready/Reconciled' })
      const wanted = {
        spiffeIDTemplate: `spiffe://${trustDomain}/ns/${tenant.namespace}/objective/chat`,
        podSelector: { matchLabels: { app: 'chat' } },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': tenant.namespace } },
        workloadSelectorTemplates: expect.arrayContaining([
          `k8s:ns:${tenant.namespace}`,
          'k8s:container-name:main',
        ]),
        hint: `${tenant.namespace}/chat`,
        fallback: false,
      }
      const stored = Object.entries(wanted).filter(([name]) => !pruned.includes(name))
      expect(await tenant.outputSpec('chat')).toEqual(Object.fromEntries(stored))
    })

    test('another one for the same container is refused', async () => {
      const other = unstored({
        name: 'other',
        namespace: tenant.namespace,
        spec: { objectiveRef: { name: 'other' } },
      })
      const { code, stderr } = await cluster.kubectl(['create', '-f', '-'], { input: JSON.stringify(other) })
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining(
          'spec.containerName: Duplicate value: "main": Conflict/IdentityCollision',
        ),
      })
    })

    test('what somebody changes in the ClusterSPIFFEID is put right', async () => {
      const before = await tenant.outputSpec('chat')
      const name = nameOf(await tenant.output('chat'))
      const edit = [
        'patch',
        'clusterspiffeid',
        name,
        '--type=merge',
        '-p',
        '{"spec":{"podSelector":{"matchLabels":{"app":"x"}}}}',
      ]
      expect(await cluster.kubectl(edit)).toMatchObject({ code: 0 })
      await eventually(async () => expect(await tenant.outputSpec('chat')).toEqual(before))
    })

    test('the ClusterSPIFFEID goes with the binding', async () => {
      await tenant.loses(binding())
      await tenant.isGone(binding())
      expect(await cluster.list(clusterSpiffeIdResource)).toEqual([])
    })
  })
})

/** As a user writes it: the x-k8s kind selects by a flat map, and until GAIE 1.6 the other one asked for what picks an endpoint. */
function poolOf(group: string): Manifest {
  if (group === xk8s) return pool({ group, selector: { app: 'chat' } })
  const made = pool({ group })
  const endpointPickerRef = { name: 'picker', port: { number: 9002 } }
  return { ...made, spec: { ...objectOr(made.spec), endpointPickerRef } }
}
