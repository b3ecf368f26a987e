import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { optionalResources } from '../../../../src/core/resources.ts'
import { build, containerOf, type Manifests } from '../../../deploy/manifests.ts'
import { freePort } from '../../../support/controlplane/daemon.ts'
import { recordOf } from '../../../support/embedded/json.ts'
import { startOperator, type RunningOperator } from '../../../support/operator.ts'
import { startCluster, until, type Cluster } from '../../support/cluster.ts'
import { serveOnly } from '../../support/kinds.ts'
import { createAuthorizationLog, type AuthorizationLog } from './audit.ts'
import { openServiceRoute, type ServiceRoute } from './service-route.ts'

const root = resolve(import.meta.dirname, '../../../..')
export const deploy = join(root, 'deploy')
const definition = join(deploy, 'crd/inferenceidentitybindings.yaml')
const outputDefinition = join(root, 'test/crds/spire-controller-manager-v0.6.6-clusterspiffeids.yaml')

/** A cluster that `deploy` can be applied to. Nothing runs its pods: a process stands in for them. */
export type Site = {
  readonly cluster: Cluster
  readonly manifests: Manifests
  readonly audit: AuthorizationLog
  readonly route: ServiceRoute
  /** What kubectl prints. A failure throws with what it says. */
  readonly kubectl: (...args: readonly string[]) => Promise<string>
  /** Applies `deploy` and waits until its roles are in force. */
  readonly install: () => Promise<void>
  /** The operator, as its container would be started, by its own ServiceAccount; ready when this resolves. */
  readonly start: () => Promise<RunningPod>
  readonly close: () => Promise<void>
}

export type RunningPod = RunningOperator & { readonly metrics: string }

export async function openSite(): Promise<Site> {
  await using undo = new AsyncDisposableStack()
  const audit = await createAuthorizationLog()
  undo.defer(audit.remove)
  const route = await openServiceRoute()
  undo.defer(route.stop)
  const cluster = await startCluster([...audit.flags, ...route.flags])
  undo.defer(cluster.stop)
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.kubectl(args)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const manifests = await build(deploy)
  await kubectl('create', '-f', outputDefinition)
  await serveOnly(cluster, optionalResources)
  const running: RunningOperator[] = []
  undo.defer(async () => void (await Promise.all(running.map((operator) => operator.stop('SIGKILL')))))
  const open = undo.move()
  return {
    cluster,
    manifests,
    audit,
    route,
    kubectl,
    install: async () => {
      await kubectl('apply', '-k', deploy)
      await kubectl('wait', '--for=condition=Established', '-f', definition)
      await rolesAreInForce(cluster)
    },
    start: async () => {
      const operator = await startPod(cluster, manifests, kubectl)
      running.push(operator)
      route.leadTo(operator.webhookUrl)
      await operator.ready()
      return operator
    },
    close: () => open.disposeAsync(),
  }
}

async function startPod(
  { plane }: Cluster,
  manifests: Manifests,
  kubectl: Site['kubectl'],
): Promise<RunningPod> {
  const { args } = containerOf(manifests)
  const token = await kubectl('create', 'token', 'kleym-operator', '-n', 'kleym-system')
  const kubeconfig = join(plane.directory, 'kubeconfig-of-the-operator')
  await writeFile(kubeconfig, kubeconfigOf(plane.server, plane.caPem, token.trim()), { mode: 0o600 })
  const metrics = `127.0.0.1:${await freePort()}`
  const operator = await startOperator({
    kubeconfig,
    trustDomain: 'example.org',
    args: [
      // A pod has its ports for itself; here they are others, on loopback.
      ...args.filter((arg) => !arg.includes('-bind-address=')),
      `--metrics-bind-address=${metrics}`,
      // It is called through its Service.
      '--webhook-url=',
    ],
  })
  return { ...operator, metrics: `https://${metrics}/metrics` }
}

/** The API server's authorizer learns of new roles a moment later; one of each binding is asked for. */
async function rolesAreInForce({ client }: Cluster): Promise<void> {
  const attempts = [
    { verb: 'list', group: 'kleym.sonda.red', resource: 'inferenceidentitybindings' },
    { verb: 'create', group: 'authentication.k8s.io', resource: 'tokenreviews' },
    { verb: 'create', group: 'coordination.k8s.io', resource: 'leases', namespace: 'kleym-system' },
  ]
  for (const resourceAttributes of attempts)
    await until(`the operator may ${resourceAttributes.verb} ${resourceAttributes.resource}`, async () => {
      const { body } = await client.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: 'system:serviceaccount:kleym-system:kleym-operator', resourceAttributes },
      })
      return recordOf(body['status'])['allowed'] === true
    })
}

const kubeconfigOf = (server: string, caPem: string, token: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'pod',
    clusters: [
      {
        name: 'pod',
        cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
      },
    ],
    users: [{ name: 'pod', user: { token } }],
    contexts: [{ name: 'pod', context: { cluster: 'pod', user: 'pod' } }],
  })
