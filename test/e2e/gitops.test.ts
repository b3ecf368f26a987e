import { afterAll, beforeAll, describe } from 'vitest'
import { describeGitOps } from '../support/real.ts'
import { documentSuite } from './gitops/document.ts'
import { forceSuite } from './gitops/force.ts'
import { installsSuite } from './gitops/installs.ts'
import { renamesSuite } from './gitops/renames.ts'
import { repairsSuite } from './gitops/repairs.ts'
import { waitsSuite } from './gitops/waits.ts'
import type { Cluster } from './support/cluster.ts'
import { startReviewedCluster } from './support/reviewed-cluster.ts'

describeGitOps("Helm, Flux's apply and kubectl on a real API server", () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startReviewedCluster()
  })
  afterAll(() => cluster.stop())

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
