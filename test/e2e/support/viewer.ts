import { join, resolve } from 'node:path'
import { writeKubeconfig, type ScratchFile } from '../../support/embedded/kubeconfig.ts'
import type { Cluster } from './cluster.ts'

const roles = resolve(import.meta.dirname, '../../../deploy/rbac')

/**
 * The kubeconfig of a ServiceAccount that is bound to the viewer role in one namespace, beside what `deploy` lets
 * everybody see.
 */
export async function viewer(cluster: Cluster, namespace: string): Promise<ScratchFile> {
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(args)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  await kubectl('apply', '-f', join(roles, 'binding-roles.yaml'), '-f', join(roles, 'status-role.yaml'))
  await kubectl('create', 'serviceaccount', 'viewer', '-n', namespace)
  const role = '--clusterrole=kleym-inferenceidentitybinding-viewer-role'
  await kubectl(
    'create',
    'rolebinding',
    'viewer',
    '-n',
    namespace,
    role,
    `--serviceaccount=${namespace}:viewer`,
  )
  const token = await kubectl('create', 'token', 'viewer', '-n', namespace)
  const { server, caPem } = cluster.plane
  return writeKubeconfig(server, caPem, token.trim())
}
