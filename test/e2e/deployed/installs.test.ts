import { afterAll, beforeAll, describe } from 'vitest'
import { describeGitOps, describeReal } from '../../support/real.ts'
import { chartSuite } from './installs/chart.ts'
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
  describe('by a kustomization of somebody else over', () => {
    variantsSuite(() => site)
  })
})
