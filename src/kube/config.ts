import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { field, objectOr } from '../core/json.ts'
import { messageOf } from '../core/show.ts'
import { withExecInfo } from './exec-plugin.ts'
import { impersonationOf, type Headers } from './impersonation.ts'
import { readKubeconfig, type Loaded } from './kubeconfig-file.ts'
import { proxyFor } from './proxy.ts'

/** Where the cluster is and who we are there. */
export type ClusterConfig = {
  /** Base URL of the API server, without a slash at its end. */
  readonly server: string
  /** The context's own namespace. */
  readonly namespace: string | undefined
  /** For logs and errors: which file and context this came from. */
  readonly source: string
  readonly credentials: KubeConfig
  /** Headers beside those of the credentials: the user that each request impersonates, if it does. */
  readonly headers: Headers
}

type Choice = {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
}

const podFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * How to reach the cluster. The first of these that applies: the file that is named; the pod's ServiceAccount, unless a context is
 * asked for; `KUBECONFIG`; `~/.kube/config`.
 *
 * @param root where the pod's files are mounted: the root of the file system, except in tests
 * @throws Error that names the file and the context, where they can't be read or lead to no cluster. No message quotes a file.
 */
export function loadKubeConfig({ kubeconfig, context }: Choice = {}, root: string = ''): ClusterConfig {
  if (kubeconfig === undefined && context === undefined && isInPod(root)) return fromPod(root)
  const files = kubeconfig === undefined ? usualFiles() : [kubeconfig]
  if (files.length === 0)
    throw new Error(
      'not in a pod, and neither KUBECONFIG nor ~/.kube/config is there; name a file with --kubeconfig',
    )
  return select(merge(files), files.join(delimiter), context)
}

/** The namespace of the pod that this runs in; undefined outside of one. */
export function namespaceOfPod(root: string = ''): string | undefined {
  const file = join(root + podFolder, 'namespace')
  const namespace = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  return namespace === '' ? undefined : namespace
}

const isInPod = (root: string): boolean =>
  Boolean(process.env['KUBERNETES_SERVICE_HOST']) &&
  Boolean(process.env['KUBERNETES_SERVICE_PORT']) &&
  existsSync(join(root + podFolder, 'token'))

function fromPod(root: string): ClusterConfig {
  const config = new KubeConfig()
  config.loadFromCluster(root)
  // The library takes http for some ports. The pod's token is never sent that way, and client-go always takes https.
  config.clusters = config.clusters.map((one) => ({
    ...one,
    server: one.server.replace(/^http:/v, 'https:'),
  }))
  return select({ config, users: [], clusters: [] }, "the pod's service account", undefined)
}

function usualFiles(): readonly string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '')
  if (named.length > 0) return named
  const file = join(homedir(), '.kube', 'config')
  return existsSync(file) ? [file] : []
}

/**
 * Several kubeconfigs as kubectl merges them: absent files are skipped, and of two entries with one name the first file's wins.
 *
 * @throws Error where all files are absent, or one can't be read
 */
function merge(files: readonly string[]): Loaded {
  const present = files.length === 1 ? files : files.filter((file) => existsSync(file))
  if (present.length === 0) throw new Error(`kubeconfig ${files.join(delimiter)}: no such files`)
  const merged = new KubeConfig()
  const loaded = present.map(readKubeconfig)
  for (const { config } of loaded) {
    merged.clusters.push(...config.clusters.filter(({ name }) => !merged.getCluster(name)))
    merged.users.push(...config.users.filter(({ name }) => !merged.getUser(name)))
    merged.contexts.push(...config.contexts.filter(({ name }) => !merged.getContextObject(name)))
    if (!merged.currentContext) merged.setCurrentContext(config.currentContext)
  }
  return {
    config: merged,
    users: loaded.flatMap(({ users }) => users),
    clusters: loaded.flatMap(({ clusters }) => clusters),
  }
}

function select(
  { config, users, clusters }: Loaded,
  source: string,
  wanted: string | undefined,
): ClusterConfig {
  const name = wanted ?? config.currentContext
  if (!name) throw new Error(`kubeconfig ${source}: it has no current-context, and none was named`)
  const context = config.getContexts().find((candidate) => candidate.name === name)
  if (!context) throw new Error(`kubeconfig ${source}: it has no context ${JSON.stringify(name)}`)
  const at = `kubeconfig ${source}, context ${JSON.stringify(name)}`
  config.setCurrentContext(name)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error(`${at}: it has no cluster ${JSON.stringify(context.cluster)}`)
  const { protocol } = URL.parse(cluster.server) ?? {}
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new Error(`${at}: the server ${JSON.stringify(cluster.server)} is no URL with https:// or http://`)
  if (context.user && !config.getCurrentUser())
    throw new Error(`${at}: it has no user ${JSON.stringify(context.user)}`)
  const written = users.find((user) => field(user, 'name') === context.user)
  const writtenCluster = clusters.find((one) => field(one, 'name') === context.cluster)
  const by = <T>(find: () => T): T => located(at, find)
  const headers = by(() => impersonationOf(objectOr(field(written ?? {}, 'user'))))
  const proxyUrl = cluster.proxyUrl ?? by(() => proxyFor(cluster.server, process.env))
  // kubectl connects without a user, too. The library (2.0) then leaves out the cluster's CA and all else of TLS, so it gets one without
  // credentials.
  if (!context.user) {
    config.users = [{ name: '' }]
    config.contexts = config.contexts.map((one) => (one === context ? { ...one, user: '' } : one))
  }
  const isPlain = protocol === 'http:'
  // By http, as through `kubectl proxy`, no credentials are sent, since anybody on the way could use them. client-go then reads none
  // and runs no exec plugin; it sends the headers of impersonation alone.
  if (isPlain) config.users = []
  config.users = config.users.map((user) =>
    user.name === context.user
      ? { ...user, exec: by(() => withExecInfo(user.exec, cluster, field(writtenCluster ?? {}, 'cluster'))) }
      : user,
  )
  // The library knows schemes in lower case alone.
  const server = cluster.server.replace(/^https?:/iv, protocol)
  const reached = {
    ...cluster,
    server,
    ...(proxyUrl !== undefined && { proxyUrl }),
    // The library refuses http unless it is told that TLS is not verified.
    ...(isPlain && { skipTLSVerify: true }),
  }
  config.clusters = config.clusters.map((one) => (one === cluster ? reached : one))
  return {
    server: server.replace(/\/+$/v, ''),
    namespace: context.namespace,
    source: at,
    credentials: config,
    headers,
  }
}

function located<T>(at: string, find: () => T): T {
  try {
    return find()
  } catch (error) {
    throw new Error(`${at}: ${messageOf(error)}`, { cause: error })
  }
}
