/**
 * The `exec` of a kubeconfig's user, changed so that @kubernetes/client-node (2.0) runs the plugin as kubectl does.
 */
import { readFileSync } from 'node:fs'
import { isAbsolute, resolve, sep } from 'node:path'
import type { Cluster } from '@kubernetes/client-node'
import { field, isObject, objectOr, textOr } from '../core/json.ts'

/**
 * A relative path of a command is one from the kubeconfig's folder. The library would look from where this program was started.
 *
 * @param folder that of the kubeconfig
 */
export function withAbsoluteCommand(exec: unknown, folder: string): unknown {
  const command = textOr(field(objectOr(exec), 'command'), '')
  return command.includes(sep) && !isAbsolute(command)
    ? { ...objectOr(exec), command: resolve(folder, command) }
    : exec
}

/**
 * Tells the plugin in KUBERNETES_EXEC_INFO which version of the API is spoken, for which cluster credentials are
 * wanted if it asks for that, and that nobody sits at a terminal. The library leaves the variable out, and plugins made with
 * client-go's `LoadExecCredentialFromEnv` give no credentials without it.
 *
 * @param written the kubeconfig's cluster as it is written
 * @throws Error where the file of the cluster's CA can't be read
 */
export function withExecInfo(exec: unknown, cluster: Cluster, written: unknown): unknown {
  if (!isObject(exec)) return exec
  const info = {
    kind: 'ExecCredential',
    apiVersion: exec['apiVersion'],
    spec: {
      ...(exec['provideClusterInfo'] === true && { cluster: clusterInfo(cluster, written) }),
      interactive: false,
    },
  }
  const env = Array.isArray(exec['env']) ? exec['env'] : []
  return { ...exec, env: [...env, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }] }
}

/** As `Cluster` of client.authentication.k8s.io/v1: the CA itself, never its file, and the cluster's own words for plugins. */
function clusterInfo(cluster: Cluster, written: unknown) {
  const { caFile, caData, server, skipTLSVerify, tlsServerName, proxyUrl } = cluster
  const ca = caFile === undefined ? caData : readFileSync(caFile).toString('base64')
  const extensions = field(objectOr(written), 'extensions')
  const config = (Array.isArray(extensions) ? extensions : [])
    .map(objectOr)
    .find(({ name }) => name === 'client.authentication.k8s.io/exec')
  return {
    server,
    ...(tlsServerName !== undefined && { 'tls-server-name': tlsServerName }),
    ...(skipTLSVerify && { 'insecure-skip-tls-verify': true }),
    ...(ca !== undefined && { 'certificate-authority-data': ca }),
    ...(proxyUrl !== undefined && { 'proxy-url': proxyUrl }),
    ...(config !== undefined && { config: config['extension'] }),
  }
}
