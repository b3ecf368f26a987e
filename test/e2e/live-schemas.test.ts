import { mkdtempDisposable, writeFile, type DisposableTempDir as DisposableFolder } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { optionalResources, poolResources } from '../../src/core/resources.ts'
import { kleym, type Ended } from '../cli/program.ts'
import { objective, pool } from '../support/builders.ts'
import { installCrds } from '../support/controlplane/crds.ts'
import { listOf, recordOf } from '../support/embedded/json.ts'
import { kubeconfigText } from '../support/embedded/kubeconfig.ts'
import { describeReal } from '../support/real.ts'
import { createNamespace, startCluster, until, type Cluster } from './support/cluster.ts'
import { serveOnly } from './support/kinds.ts'
import { viewer } from './support/viewer.ts'

const namespace = 'team'
const group = 'inference.networking.k8s.io'
/** Its objectives may have any field in this cluster. */
const formerGroup = 'inference.networking.x-k8s.io'

/** A cluster whose pools have a field that kleym does not know, and lack one that kleym knows. */
const release = [
  {
    op: 'add',
    path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/tier',
    value: { type: 'string', enum: ['gold', 'silver'] },
  },
  {
    op: 'remove',
    path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/appProtocol',
  },
]

/** A user who may list everything but read neither CustomResourceDefinitions nor the OpenAPI. */
const blindRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'blind' },
  rules: [
    {
      apiGroups: ['kleym.sonda.red', 'llm-d.ai', 'spire.spiffe.io', ...poolResources.map((one) => one.group)],
      resources: ['*'],
      verbs: ['get', 'list'],
    },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list'] },
    { nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*'], verbs: ['get'] },
  ],
}

const blindRoleBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'blind' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'blind' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'blind' }],
}

const spec = recordOf(pool()['spec'])
const anything = objective({ name: 'anything', namespace, group: formerGroup })
const manifests = [
  { ...pool({ name: 'newer', namespace }), spec: { ...spec, tier: 'gold' } },
  { ...pool({ name: 'wrong', namespace }), spec: { ...spec, tier: 'lead' } },
  { ...pool({ name: 'former', namespace }), spec: { ...spec, appProtocol: 'http' } },
  { ...anything, spec: { ...recordOf(anything['spec']), other: { field: 1 } } },
]

const checked = (kubeconfig: string, ...flags: readonly string[]): Promise<Ended> =>
  kleym(
    ['check', '--live', '-f', '-', '--trust-domain', 'example.org', '--kubeconfig', kubeconfig, ...flags],
    { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }) },
  )

describeReal('check --live beside a cluster whose pools have other fields', () => {
  let cluster: Cluster
  let blind: DisposableFolder

  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(args, { input })
    if (code !== 0) throw new Error(stderr)
    return stdout
  }

  beforeAll(async () => {
    cluster = await startCluster()
    await installCrds(cluster.plane)
    for (const name of [namespace, 'kleym-system']) await createNamespace(cluster, name)
    await kubectl(['patch', 'crd', `inferencepools.${group}`, '--type=json', '-p', JSON.stringify(release)])
    await kubectl(['delete', 'crd', `inferenceobjectives.${formerGroup}`])
    await serveOnly(cluster, optionalResources)
    for (const object of [blindRole, blindRoleBinding])
      await kubectl(['create', '-f', '-'], JSON.stringify(object))
    const { server, caPem, adminToken } = cluster.plane
    blind = await mkdtempDisposable(join(tmpdir(), 'kleym-blind-'))
    const known = kubeconfigText(server, caPem, adminToken)
    await writeFile(join(blind.path, 'kubeconfig'), asNobodyKnown(known))
    // The API server publishes a new schema a moment after it is stored.
    await until('the OpenAPI has the new field', async () =>
      (await kubectl(['get', '--raw', `/openapi/v3/apis/${group}/v1`])).includes('"tier"'),
    )
  })
  afterAll(async () => {
    await blind.remove()
    await cluster.stop()
  })

  /** What `check` and the API server say of a schema that is the cluster's. */
  const asTheCluster = [
    'spec.tier: Unsupported value: "lead": supported values: "gold", "silver"',
    'unknown field "spec.appProtocol"',
  ]

  test('the API server accepts the new field and refuses the one that is gone', async () => {
    for (const [at, wanted] of [undefined, ...asTheCluster, undefined].entries()) {
      const input = JSON.stringify(manifests[at])
      const { code, stderr } = await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], { input })
      expect(code).toBe(wanted === undefined ? 0 : 1)
      expect(stderr).toContain(wanted ?? '')
    }
  })

  test('an administrator is told the same, by the CustomResourceDefinition', async () => {
    const { code, stdout, stderr } = await checked(cluster.plane.kubeconfig)
    expect(code).toBe(2)
    for (const words of asTheCluster) expect(stdout).toContain(words)
    for (const name of ['newer', 'anything']) expect(stdout).not.toContain(`${namespace}/${name}`)
    expect(stderr).toBe('')
  })

  test('a viewer is told the same, by the OpenAPI', async () => {
    const kubeconfig = await viewer(cluster, namespace)
    try {
      await until('the viewer may list bindings', async () => {
        const { code } = await cluster.kubectl(['get', 'iib', '-n', namespace], {
          kubeconfig: kubeconfig.path,
        })
        return code === 0
      })
      const { code, stdout, stderr } = await checked(kubeconfig.path)
      expect(code).toBe(2)
      for (const words of asTheCluster) expect(stdout).toContain(words)
      for (const name of ['newer', 'anything']) expect(stdout).not.toContain(`${namespace}/${name}`)
      expect(stderr).not.toContain('schemas')
    } finally {
      await kubeconfig.remove()
    }
  })

  test('a user who may read neither is judged by what comes with kleym, and told that once', async () => {
    const { code, stdout, stderr } = await checked(join(blind.path, 'kubeconfig'))
    expect(code).toBe(2)
    expect(stdout).toContain('unknown field "spec.tier"')
    expect(stdout).not.toContain('team/former')
    const said = 'judges by schemas that come with kleym, not by those of the cluster: '
    expect(stderr.split(said)).toHaveLength(2)
    expect(stderr).toContain('reading the OpenAPI of inference.networking.k8s.io/v1: 403')
  })

  test('--crds goes before the schemas of the cluster', async () => {
    const { stdout } = await checked(cluster.plane.kubeconfig, '--crds', 'test/crds')
    expect(stdout).toContain('unknown field "spec.tier"')
    expect(stdout).not.toContain('team/former')
  })
})

/** The kubeconfig of an administrator who acts as a user without the group that may read the OpenAPI. */
function asNobodyKnown(text: string): string {
  const config = recordOf(JSON.parse(text))
  const user = { ...recordOf(recordOf(listOf(config['users'])[0])['user']), as: 'blind' }
  const users = [{ name: 'test', user: { ...user, 'as-groups': ['system:unauthenticated'] } }]
  return JSON.stringify({ ...config, users })
}
