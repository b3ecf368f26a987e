import { expect } from 'vitest'
import { leaseResource } from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import { configurationsOf } from '../../../../src/operator/webhook-configurations.ts'
import { listAt, nameOf, textAt, type Manifests } from '../../../deploy/manifests.ts'
import { binding, objective, pool } from '../../../support/builders.ts'
import type { Manifest } from '../../../support/vectors.ts'
import { newTenant, type Tenant } from '../../loop/support/tenant.ts'
import { until } from '../../support/cluster.ts'
import { accountOf, type Site } from '../support/site.ts'

/** What kubectl says to the apply of a binding in the tenant's namespace. */
async function apply({ cluster }: Site, tenant: Tenant, manifest: Manifest) {
  const { uid: _, generation: _generation, ...metadata } = manifest.metadata
  const input = JSON.stringify({ ...manifest, metadata: { ...metadata, namespace: tenant.namespace } })
  const { code, stdout, stderr } = await cluster.kubectl(['apply', '-f', '-'], { input })
  return { code, said: stdout + stderr }
}

/** Applies a right binding and a wrong one in a namespace of their own: the first must become Ready, the second be refused. */
export async function judges(site: Site): Promise<void> {
  const tenant = await newTenant(site.cluster, 'serving')
  await tenant.has(pool(), objective(), objective({ name: 'other' }))
  await until('its Service is called', async () => (await apply(site, tenant, binding())).code === 0)
  await tenant.settles({ chat: 'Ready/Reconciled' })
  const second = binding({ name: 'second', spec: { objectiveRef: { name: 'other' } } })
  expect(await apply(site, tenant, second)).toMatchObject({
    code: 1,
    said: expect.stringContaining('spec.containerName: Duplicate value: "main": Conflict/IdentityCollision'),
  })
}

/** The Service that each webhook of the manifests names has been called. */
export async function isCalledByItsServices({ cluster, route }: Site, manifests: Manifests): Promise<void> {
  const webhooks = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].flatMap((kind) =>
    listAt(manifests.only(kind), 'webhooks'),
  )
  for (const webhook of webhooks) {
    const at = {
      namespace: textAt(webhook, 'clientConfig', 'service', 'namespace'),
      name: textAt(webhook, 'clientConfig', 'service', 'name'),
    }
    const service = await cluster.find(serviceResource, at)
    expect(route.called).toContain(`${textAt(service, 'spec', 'clusterIP')}:443`)
  }
}

/** Deletes what would be in the way of the next operator, which has other names: the webhook configurations and the leader's Lease. */
export async function makeWay({ cluster, kubectl }: Site, manifests: Manifests): Promise<void> {
  const names = {
    validating: nameOf(manifests.only('ValidatingWebhookConfiguration')),
    mutating: nameOf(manifests.only('MutatingWebhookConfiguration')),
  }
  for (const { resource, name } of configurationsOf(names))
    await cluster.client.delete(resourcePath(resource, { name }))
  await kubectl('delete', leaseResource.plural, '--all', '-n', accountOf(manifests).namespace)
}

const serviceResource = { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true }
