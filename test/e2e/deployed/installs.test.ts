import { afterAll, beforeAll, describe } from 'vitest'
import { describePrometheus } from '../../support/prometheus.ts'
import { describeGitOps, describeReal } from '../../support/real.ts'
import { chartSuite } from './installs/chart.ts'
import { monitoringSuite } from './installs/monitoring.ts'
import { variantsSuite } from './installs/variants.ts'
import { openSite, type Site } from './support/site.ts'

describeReal('the operator, installed in other ways', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site.close())

  // First: Helm takes over nothing that kubectl applied.
  describeGitOps('by Helm', () => {
    chartSuite(() => site)
  })
  describePrometheus('with a Prometheus that', () => {
    monitoringSuite(() => site)
  })
  describe('by a kustomization of somebody else over', () => {
    variantsSuite(() => site)
  })
})
