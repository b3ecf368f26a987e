import { objectOr, type JsonObject } from '../../src/core/json.ts'
import type { Resource } from '../../src/core/resources.ts'
import { writeKubeconfig, type ScratchFile } from '../support/embedded/kubeconfig.ts'
import type { Cluster } from './cluster.ts'

export const core = (kind: string, plural: string): Resource => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
})

const rbac = (kind: string, plural: string, namespaced: boolean): Resource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced,
})

const roleRef = (role: string) => ({
  apiGroup: 'rbac.authorization.k8s.io',
  kind: 'ClusterRole',
  name: role,
})

/** The kubeconfig of an operator that may do all it needs, and list pods in one namespace alone. */
export async function operatorThatSeesPodsIn(cluster: Cluster, namespace: string): Promise<ScratchFile> {
  const made = async (resource: Resource, object: JsonObject): Promise<void> => {
    const apiVersion = resource.group === '' ? 'v1' : `${resource.group}/${resource.version}`
    const reply = await cluster.objects.create(resource, { apiVersion, kind: resource.kind, ...object })
    if (reply.kind !== 'done') throw new Error(`creating ${resource.kind}: ${JSON.stringify(reply)}`)
  }
  const name = 'operator'
  const subjects = [{ kind: 'ServiceAccount', name, namespace: 'default' }]
  await made(core('ServiceAccount', 'serviceaccounts'), { metadata: { name, namespace: 'default' } })
  const others = ['admissionregistration', 'apiextensions', 'coordination', 'events', 'authorization']
  const rules = [
    {
      apiGroups: [
        ...others.map((group) => `${group}.k8s.io`),
        'inference.networking.k8s.io',
        'inference.networking.x-k8s.io',
        'llm-d.ai',
        'kleym.sonda.red',
        'spire.spiffe.io',
      ],
      resources: ['*'],
      verbs: ['*'],
    },
    { apiGroups: [''], resources: ['secrets', 'configmaps', 'namespaces'], verbs: ['*'] },
  ]
  await made(rbac('ClusterRole', 'clusterroles', false), { metadata: { name }, rules })
  const lists = [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]
  await made(rbac('ClusterRole', 'clusterroles', false), { metadata: { name: 'pods' }, rules: lists })
  await made(rbac('ClusterRoleBinding', 'clusterrolebindings', false), {
    metadata: { name },
    roleRef: roleRef(name),
    subjects,
  })
  await made(rbac('RoleBinding', 'rolebindings', true), {
    metadata: { name: 'pods', namespace },
    roleRef: roleRef('pods'),
    subjects,
  })
  const answer = await cluster.client.call({
    method: 'POST',
    path: `/api/v1/namespaces/default/serviceaccounts/${name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  })
  if (answer.kind !== 'ok') throw new Error(`a token: ${JSON.stringify(answer)}`)
  const token = String(objectOr(objectOr(answer.body)['status'])['token'])
  return writeKubeconfig(cluster.server, cluster.caPem, token)
}
