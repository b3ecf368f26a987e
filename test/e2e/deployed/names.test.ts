import { afterAll, beforeAll, expect, test } from 'vitest'
import { registrationsOf } from '../../../certs/registration.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { configurationsOf } from '../../../src/operator/webhook-configurations.ts'
import { overlayOf } from '../../deploy/manifests.ts'
import { binding, objective, pool } from '../../support/builders.ts'
import { describeReal } from '../../support/real.ts'
import type { Manifest } from '../../support/vectors.ts'
import { newTenant, type Tenant } from '../loop/support/tenant.ts'
import { until } from '../support/cluster.ts'
import { openSite, type RunningPod, type Site } from './support/site.ts'

const prefix = 'team-'
const [validating, mutating] = configurationsOf({
  validating: `${prefix}kleym-validating-webhook-configuration`,
  mutating: `${prefix}kleym-mutating-webhook-configuration`,
})

describeReal('the operator, installed under a namePrefix and without the mutating configuration', () => {
  let overlay: Awaited<ReturnType<typeof overlayOf>>
  let site: Site
  let tenant: Tenant
  let pod: RunningPod

  beforeAll(async () => {
    overlay = await overlayOf({ namePrefix: prefix })
    site = await openSite()
    const installation = await site.kustomized(overlay.directory)
    tenant = await newTenant(site.cluster, 'serving')
    await tenant.has(pool(), objective(), objective({ name: 'other' }))
    await site.install(installation)
    await site.cluster.client.delete(resourcePath(mutating.resource, { name: mutating.name }))
    pod = await site.start(installation.manifests)
  })
  afterAll(async () => {
    await site.close()
    await overlay[Symbol.asyncDispose]()
  })

  const apply = async (manifest: Manifest) => {
    const { uid: _, generation: _generation, ...metadata } = manifest.metadata
    const input = JSON.stringify({ ...manifest, metadata: { ...metadata, namespace: tenant.namespace } })
    const { code, stdout, stderr } = await site.cluster.kubectl(['apply', '-f', '-'], { input })
    return { code, said: stdout + stderr }
  }

  const verbose = async (): Promise<string> => (await fetch(`${pod.probes}/readyz?verbose`)).text()

  test('is ready, says what is missing once, and warns of nothing else', async () => {
    expect(await verbose()).toContain(
      `[-]registration: MutatingWebhookConfiguration ${mutating.name} is not there`,
    )
    const warnings = pod
      .log()
      .split('\n')
      .filter((line) => line.includes('"level":"warn"') && line.includes('is not there'))
    expect(warnings).toHaveLength(1)
  })

  test('refuses what is wrong, and lets through what is right', async () => {
    await until('its Service is called', async () => (await apply(binding())).code === 0)
    await tenant.settles({ chat: 'Ready/Reconciled' })
    const second = binding({ name: 'second', spec: { objectiveRef: { name: 'other' } } })
    expect(await apply(second)).toMatchObject({ code: 1, said: expect.stringContaining('IdentityCollision') })
  })

  test('registers the missing one as soon as it comes', async () => {
    await site.kubectl('apply', '-k', overlay.directory)
    const caBundles = async (): Promise<readonly string[]> => {
      const found = await Promise.all(
        [validating, mutating].map(({ resource, name }) => site.cluster.find(resource, { name })),
      )
      return found.flatMap((one) => registrationsOf(one ?? {}).map(({ caBundle }) => caBundle))
    }
    await until('both have the same caBundle', async () => {
      const all = await caBundles()
      return all.length > 2 && all[0] !== '' && new Set(all).size === 1
    })
    await until('nothing is missing', async () => (await verbose()).includes('[+]registration ok'))
  })
})
