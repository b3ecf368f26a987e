import { afterAll, beforeAll, describe } from 'vitest'
import { installCrds } from '../support/controlplane/crds.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeGitOps } from '../support/real.ts'
import { documentSuite } from './gitops/document.ts'
import { forceSuite } from './gitops/force.ts'
import { installsSuite } from './gitops/installs.ts'
import { renamesSuite } from './gitops/renames.ts'
import { repairsSuite } from './gitops/repairs.ts'
import { waitsSuite } from './gitops/waits.ts'
import { startCluster, type Cluster } from './support/cluster.ts'
import { webhooksAreAsked } from './support/webhook.ts'

describeGitOps("Helm, Flux's apply and kubectl on a real API server", () => {
  let cluster: Cluster
  let operator: RunningOperator

  beforeAll(async () => {
    cluster = await startCluster()
    await installCrds(cluster.plane)
    operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain: 'example.org' })
    await operator.ready()
    await webhooksAreAsked(cluster)
  })
  afterAll(async () => {
    await operator.stop()
    await cluster.stop()
  })

  describe('helm install', () => {
    installsSuite(() => cluster)
  })
  describe('helm --wait', () => {
    waitsSuite(() => cluster)
  })
  describe('a rename', () => {
    renamesSuite(() => cluster)
  })
  describe('a repair', () => {
    repairsSuite(() => cluster)
  })
  describe('force', () => {
    forceSuite(() => cluster)
  })
  describe('docs/gitops.md', () => {
    documentSuite(() => cluster)
  })
})
