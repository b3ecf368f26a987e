import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  secretResource,
  bindingResource,
  clusterSpiffeIdResource,
  leaseResource,
  optionalResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { listAt, textAt } from '../../deploy/manifests.ts'
import { binding, clusterSpiffeId, objective, pool } from '../../support/builders.ts'
import { textOf } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import type { Manifest } from '../../support/vectors.ts'
import { registrations, webhookNames } from '../../support/webhook-names.ts'
import { eventually, newTenant, type Tenant } from '../loop/support/tenant.ts'
import { createNamespace, metaOf, until } from '../support/cluster.ts'
import { serveOnly } from '../support/kinds.ts'
import { told } from './support/audit.ts'
import { everything, finishNamespace } from './support/leftovers.ts'
import { granted, isUseOf, permissionsOf } from './support/permissions.ts'
import { scrape } from './support/scrape.ts'
import { deploy, openSite, type Installation, type RunningPod, type Site } from './support/site.ts'

const ready = 'Ready/Reconciled'
const namespace = 'kleym-system'
const secretName = webhookNames.secret
/** The group of the kind whose CustomResourceDefinition is deleted and created again. */
const rareGroup = 'inference.networking.k8s.io'
const isRare = ({ kind, group }: Resource): boolean => kind === 'InferenceObjective' && group === rareGroup
const rareObjective = objective({ name: 'rare', group: rareGroup })

describeReal('the operator, as deploy installs it', () => {
  let site: Site
  let tenant: Tenant
  let pod: RunningPod
  let installation: Installation
  /** The objects that were there before the operator was installed. */
  let others: ReadonlyMap<string, string>

  beforeAll(async () => {
    site = await openSite()
    tenant = await newTenant(site.cluster, 'serving')
    await tenant.has(pool(), objective(), objective({ name: 'other' }), rareObjective)
    await createNamespace(site.cluster, 'monitoring')
    await site.cluster.create(serviceAccountResource, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'visitor', namespace: 'monitoring' },
    })
    others = await everything(site.cluster)
    installation = await site.kustomized(deploy)
    await site.install(installation)
    pod = await site.start(installation.manifests)
  })
  afterAll(() => site.close())

  /** What kubectl says to the apply of a binding in the tenant's namespace. */
  const apply = async (manifest: Manifest) => {
    const { uid: _, generation: _generation, ...metadata } = manifest.metadata
    const input = JSON.stringify({ ...manifest, metadata: { ...metadata, namespace: tenant.namespace } })
    const { code, stdout, stderr } = await site.cluster.kubectl(['apply', '-f', '-'], { input })
    return { code, said: stdout + stderr }
  }

  const applied = async (manifest: Manifest): Promise<void> => {
    expect(await apply(manifest)).toMatchObject({ code: 0 })
  }

  const claimsOf = async (name: string) =>
    (await site.cluster.list(leaseResource, namespace)).filter(
      (lease) => textAt(lease, 'spec', 'holderIdentity') === `${tenant.namespace}/${name}`,
    )

  /** The objects that were not there before the operator was installed, with their resourceVersions. */
  const added = async (): Promise<readonly (readonly [string, string])[]> =>
    [...(await everything(site.cluster))].filter(([object]) => !others.has(object))

  test('is asked about bindings through its Service, and makes a good one Ready', async () => {
    await applied(binding())
    const clusterIp = textAt(
      await site.cluster.find(serviceResource, { namespace, name: 'kleym-operator-webhook-service' }),
      'spec',
      'clusterIP',
    )
    expect([...site.route.called]).toEqual([`${clusterIp}:443`])
    await tenant.settles({ chat: ready })
  })

  test('refuses a second one for the same container', async () => {
    const { code, said } = await apply(binding({ name: 'second', spec: { objectiveRef: { name: 'other' } } }))
    expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('IdentityCollision') })
  })

  test('warns of what is not there, whatever group it could be in', async () => {
    const lost = { poolRef: { name: 'nowhere' }, objectiveRef: { name: 'nowhere' } }
    const { code, said } = await apply(binding({ name: 'lost', spec: lost }))
    expect(code).toBe(0)
    expect(said).toMatch(/Warning: .*TargetPoolNotFound/)
    await tenant.settles({ lost: 'InvalidRef/TargetPoolNotFound' })
  })

  test('puts back what somebody changes about an output, and removes what has no binding', async () => {
    const output = await tenant.output('chat')
    const name = textOf(metaOf(output)['name'])
    await tenant.changes(clusterSpiffeId(name), { spec: { hint: 'mine' } })
    const annotations = { 'kleym.sonda.red/binding': `${tenant.namespace}/gone` }
    const orphan = clusterSpiffeId(`kleym-${tenant.namespace}-gone-pool-00000000`, { annotations })
    await tenant.has(orphan)
    await eventually(async () => {
      expect((await tenant.output('chat'))['spec']).toEqual(output['spec'])
    })
    await tenant.isGone(orphan)
  })

  test('follows a kind that goes and comes back', async () => {
    const objectiveRef = { name: 'rare', group: rareGroup }
    await applied(binding({ name: 'rare', spec: { objectiveRef, containerName: 'sidecar' } }))
    await tenant.settles({ rare: ready })
    await serveOnly(
      site.cluster,
      optionalResources.filter((kind) => !isRare(kind)),
    )
    await tenant.settles({ rare: 'InvalidRef/InferenceObjectiveCRDMissing' })
    await serveOnly(site.cluster, optionalResources)
    await tenant.has(rareObjective)
    await tenant.settles({ rare: ready })
    expect(await tenant.outputSpec('rare')).toMatchObject({
      spiffeIDTemplate: `spiffe://example.org/ns/${tenant.namespace}/objective/rare`,
    })
  })

  test('gives up the output and the claim of a binding that is deleted', async () => {
    expect(await claimsOf('rare')).toHaveLength(1)
    await tenant.loses(binding({ name: 'rare' }))
    await tenant.isGone(binding({ name: 'rare' }))
    expect(await tenant.outputs('rare')).toEqual([])
    await until('the claim is collected', async () => (await claimsOf('rare')).length === 0)
  })

  test('makes its certificates anew when they are spoilt, and publishes them again', async () => {
    const secret = resourcePath(secretResource, { namespace, name: secretName })
    const garbage = Buffer.from('garbage').toString('base64')
    await site.cluster.client.patch(secret, { data: { 'tls.crt': garbage } })
    for (const { resource, name } of registrations)
      await site.cluster.client.patch(resourcePath(resource, { name }), [
        { op: 'remove', path: '/webhooks/0/clientConfig/caBundle' },
      ])
    await eventually(async () => {
      const { body } = await site.cluster.client.get(secret)
      const ca = textAt(body, 'data', 'ca.crt')
      expect(textAt(body, 'data', 'tls.crt')).not.toBe(garbage)
      expect(await bundles()).toEqual([ca, ca, ca])
    })
    expect(await apply(binding({ name: 'second', spec: { objectiveRef: { name: 'other' } } }))).toMatchObject(
      {
        code: 1,
        said: expect.stringContaining('IdentityCollision'),
      },
    )
  })

  const bundles = async (): Promise<readonly string[]> => {
    const found = await Promise.all(
      registrations.map(({ resource, name }) => site.cluster.find(resource, { name })),
    )
    return found
      .flatMap((configuration) => listAt(configuration, 'webhooks'))
      .map((webhook) => textAt(webhook, 'clientConfig', 'caBundle'))
  }

  test('holds the Lease of the leader, and reaches itself through the API server', async () => {
    const lease = await site.cluster.find(leaseResource, { namespace, name: 'a558cee8.sonda.red' })
    expect(textAt(lease, 'spec', 'holderIdentity')).not.toBe('')
    await until('the probe has come back', async () => {
      const checks = await fetch(`${pod.probes}/readyz?verbose`)
      return (await checks.text()).includes('[+]probe ok')
    })
  })

  test.each([
    ['nobody', undefined, 401],
    ['whoever the API server does not know', 'made-up', 401],
    ['a ServiceAccount without the permission', 'visitor', 403],
  ])('gives no metrics to %s', async (_, who, code) => {
    const token = who === 'visitor' ? await tokenOf(who, 'monitoring') : who
    expect(await scrape(pod.metrics, { token })).toMatchObject({
      code,
      text: expect.not.stringContaining('# HELP'),
    })
  })

  test('gives its metrics to whom deploy/monitoring has scrape, over a certificate of the CA that it names', async () => {
    const [endpoint] = listAt(
      await parsed(join(deploy, 'monitoring/service-monitor.yaml')),
      'spec',
      'endpoints',
    )
    const reader = join(deploy, 'monitoring/reader.yaml')
    await site.kubectl('apply', '-f', reader)
    const caOf = textAt(endpoint, 'tlsConfig', 'ca', 'secret', 'name')
    const secret = await site.cluster.find(secretResource, { namespace, name: caOf })
    const ca = Buffer.from(textAt(secret, 'data', 'ca.crt'), 'base64').toString()
    const servername = textAt(endpoint, 'tlsConfig', 'serverName')
    const token = await tokenOf('kleym-metrics-reader', namespace)
    // The API server's authorizer learns of a new role a moment later.
    await eventually(async () => {
      const { code, text } = await scrape(pod.metrics, { token, ca, servername })
      expect(code).toBe(200)
      expect(text).toContain(
        'kleym_identity_bindings{condition="Ready",reason="Reconciled",mode="PerObjective"} 1\n',
      )
    })
    await site.kubectl('delete', '-f', reader)
  })

  const tokenOf = async (name: string, of: string): Promise<string> =>
    (await site.kubectl('create', 'token', name, '-n', of)).trim()

  test('loses nothing when deploy is applied again', async () => {
    const before = await standing()
    const said = await site.kubectl('apply', '-k', deploy)
    const changed = said
      .trimEnd()
      .split('\n')
      .filter((line) => !line.endsWith(' unchanged'))
    // kubectl sends the selector of a PodDisruptionBudget every time, because a selector is replaced as a whole.
    expect(changed).toEqual(['poddisruptionbudget.policy/kleym-operator configured'])
    expect(await standing()).toEqual(before)
  })

  /** A write that changes nothing leaves the resourceVersion alone. Leases and heartbeats change all the time and are left out. */
  const standing = async () =>
    (await added()).filter(
      ([object]) => !object.startsWith('Lease ') && !object.endsWith('/kleym-operator-status'),
    )

  test('needs each permission that it is given, and no other', async () => {
    const requests = await site.audit.requests()
    expect([...new Set(requests.map(({ user }) => user))]).toEqual([
      'system:serviceaccount:kleym-system:kleym-operator',
    ])
    expect(requests.filter(({ decision }) => decision !== 'allow').map(told)).toEqual([])
    const permissions = permissionsOf(installation.manifests)
    expect(permissions.length).toBeGreaterThan(0)
    const unused = permissions.filter((one) => !requests.some((request) => isUseOf(one, request)))
    expect(unused.map(granted)).toEqual([])
    expect(requests.filter((request) => !permissions.some((one) => isUseOf(one, request))).map(told)).toEqual(
      [],
    )
  })

  test('is removed without a trace by deleting the bindings and then deploy', async () => {
    await site.kubectl('delete', bindingResource.plural, '--all', '--all-namespaces', '--timeout=30s')
    await site.kubectl('delete', '-k', deploy, '--wait=false')
    const stopped = pod.stop()
    await finishNamespace(site.cluster, namespace)
    await eventually(async () => expect(await added()).toEqual([]))
    expect(await stopped).toBe(0)
    expect(await added()).toEqual([])
  })

  test('leaves what can be removed by hand where it was gone before its bindings', async () => {
    await site.install(installation)
    pod = await site.start(installation.manifests)
    await applied(binding())
    await tenant.settles({ chat: ready })
    await pod.stop('SIGKILL')
    await site.kubectl('delete', '-k', deploy, '--wait=false')
    await finishNamespace(site.cluster, namespace)
    const at = ['-n', tenant.namespace]
    const finalizers = '{"metadata":{"finalizers":null}}'
    await site.kubectl('patch', bindingResource.plural, 'chat', ...at, '--type=merge', '-p', finalizers)
    const ours = 'kleym.sonda.red/managed-by=kleym'
    await site.kubectl('delete', clusterSpiffeIdResource.plural, '-l', ours)
    await eventually(async () => expect(await added()).toEqual([]))
  })
})

const parsed = async (file: string): Promise<unknown> => parse(await readFile(file, 'utf8'))

const serviceResource = { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true }
const serviceAccountResource = {
  ...serviceResource,
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
}
