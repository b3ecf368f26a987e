import { afterAll, beforeAll, describe } from 'vitest'
import { optionalResources } from '../../src/core/resources.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy/proxy.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeReal } from '../support/real.ts'
import { resourceOf } from '../support/vectors.ts'
import { causesSuite, missingKindsSuite, unreadKindSuite } from './admission/causes.ts'
import { crdAloneSuite } from './admission/crd-alone.ts'
import { editSuite } from './admission/edit.ts'
import { lateSpecSuite } from './admission/late-spec.ts'
import { beforeStaleness, stalenessSuite } from './admission/staleness.ts'
import { beforeUpdates, updatesSuite } from './admission/updates.ts'
import { verdictsSuite } from './admission/verdicts.ts'
import { workedCases } from './admission/worked-cases.ts'
import { createNamespace, startCluster, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { trustDomain } from './support/verdicts.ts'
import { webhooksAreAsked } from './support/webhook.ts'

const namespaces = new Set(
  workedCases
    .flatMap(({ binding, pools, objectives, otherBindings }) => [
      binding,
      ...pools,
      ...objectives,
      ...otherBindings,
    ])
    .map(({ metadata }) => metadata.namespace ?? 'default'),
)

describeReal('admission, by the real kubectl and API server', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'permissive')
    for (const namespace of namespaces) await createNamespace(cluster, namespace)
    for (const { namespace, manifests } of [beforeUpdates, beforeStaleness]) {
      await createNamespace(cluster, namespace)
      for (const manifest of manifests) await cluster.create(resourceOf(manifest), manifest)
    }
    await serveBindings(cluster, 'strict')
  })
  afterAll(() => cluster.stop())

  describe('by the CRD alone', () => {
    crdAloneSuite(() => cluster)
  })

  describe('by the webhook', () => {
    let proxy: FaultProxy
    let operator: RunningOperator
    beforeAll(async () => {
      const { server, caPem, adminToken } = cluster.plane
      proxy = await startFaultProxy({ server, caPem })
      operator = await startOperator({ kubeconfig: await proxy.kubeconfig(adminToken), trustDomain })
      await operator.ready()
      await webhooksAreAsked(cluster)
    })
    afterAll(async () => {
      await operator.stop()
      await proxy.stop()
    })

    describe('of worked cases', () => {
      verdictsSuite(() => cluster)
    })
    describe('of other problems', () => {
      causesSuite(() => cluster)
    })
    describe('of edits', () => {
      editSuite(() => cluster)
    })
    describe('of changes', () => {
      updatesSuite(() => cluster)
    })
    describe('of a spec that comes late', () => {
      lateSpecSuite(() => cluster)
    })
    describe('from a stale cache', () => {
      stalenessSuite(
        () => cluster,
        () => proxy,
      )
    })
    describe('of kinds that are not served', () => {
      missingKindsSuite(() => cluster)
      unreadKindSuite(() => cluster)
    })
  })
})
