import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { optionalResources } from '../../../../src/core/resources.ts'
import { build, containerOf, podTemplateOf, textAt, type Manifests } from '../../../deploy/manifests.ts'
import { freePort } from '../../../support/controlplane/daemon.ts'
import { recordOf } from '../../../support/embedded/json.ts'
import { startOperator, type RunningOperator } from '../../../support/operator.ts'
import type { AuditLog } from '../../support/audit-log.ts'
import { startCluster, until, type Cluster } from '../../support/cluster.ts'
import { serveOnly } from '../../support/kinds.ts'
import { createAuthorizationLog, type Authorized } from './audit.ts'
import { openServiceRoute, type ServiceRoute } from './service-route.ts'
import { volumesOf } from './volumes.ts'

const root = resolve(import.meta.dirname, '../../../..')
export const deploy = join(root, 'deploy')
const definition = join(deploy, 'crd/inferenceidentitybindings.yaml')
const outputDefinition = join(root, 'test/crds/spire-controller-manager-v0.6.6-clusterspiffeids.yaml')

/** What is installed, and how. */
export type Installation = {
  readonly manifests: Manifests
  readonly apply: () => Promise<unknown>
}

/** A cluster that the operator can be installed in. Nothing runs pods there: a process stands in for the operator's. */
export type Site = {
  readonly cluster: Cluster
  readonly audit: AuditLog<Authorized>
  readonly route: ServiceRoute
  /** What kubectl prints. A failure throws with what it says. */
  readonly kubectl: (...args: readonly string[]) => Promise<string>
  /** What `kubectl apply -k` makes of a folder. */
  readonly kustomized: (directory: string) => Promise<Installation>
  /** Applies it and waits until its roles are in force. */
  readonly install: (installation: Installation) => Promise<void>
  /** The operator, as its container would be started, by its own ServiceAccount; ready when this resolves. */
  readonly start: (manifests: Manifests) => Promise<RunningPod>
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
  await kubectl('create', '-f', outputDefinition)
  await serveOnly(cluster, optionalResources)
  const running: RunningOperator[] = []
  undo.defer(async () => void (await Promise.all(running.map((operator) => operator.stop('SIGKILL')))))
  const open = undo.move()
  return {
    cluster,
    audit,
    route,
    kubectl,
    kustomized: async (directory) => ({
      manifests: await build(directory),
      apply: () => kubectl('apply', '-k', directory),
    }),
    install: async ({ manifests, apply }) => {
      await apply()
      await kubectl('wait', '--for=condition=Established', '-f', definition)
      await rolesAreInForce(cluster, accountOf(manifests))
    },
    start: async (manifests) => {
      const operator = await startPod(cluster, manifests, kubectl)
      running.push(operator)
      route.leadTo(`https://127.0.0.1:${operator.webhookPort}`)
      await operator.ready()
      return operator
    },
    close: () => open.disposeAsync(),
  }
}

type Account = { readonly namespace: string; readonly name: string }

/** The ServiceAccount that the pods run as. */
export const accountOf = (manifests: Manifests): Account => ({
  namespace: textAt(manifests.only('Deployment'), 'metadata', 'namespace'),
  name: textAt(podTemplateOf(manifests), 'spec', 'serviceAccountName'),
})

async function startPod(
  { plane }: Cluster,
  manifests: Manifests,
  kubectl: Site['kubectl'],
): Promise<RunningPod> {
  const { args, env } = containerOf(manifests)
  const { namespace, name } = accountOf(manifests)
  const token = await kubectl('create', 'token', name, '-n', namespace)
  const kubeconfig = join(plane.directory, 'kubeconfig-of-the-operator')
  await writeFile(kubeconfig, kubeconfigOf(plane.server, plane.caPem, token.trim()), { mode: 0o600 })
  const metrics = `127.0.0.1:${await freePort()}`
  const operator = await startOperator({
    kubeconfig,
    trustDomain: env['KLEYM_TRUST_DOMAIN'] === undefined ? 'example.org' : undefined,
    env,
    args: [
      // In a pod the ports are free; here others on loopback take their place, and other folders that of the mounted ones.
      ...(await volumesOf(manifests, plane.directory))(args.filter((arg) => !arg.includes('-bind-address='))),
      // A pod finds its namespace in a file beside its token.
      `--namespace=${namespace}`,
      `--metrics-bind-address=${metrics}`,
      // Without a URL the webhook is called through its Service.
      '--webhook-url=',
    ],
  })
  return { ...operator, metrics: `https://${metrics}/metrics` }
}

/** The API server's authorizer learns of new roles a moment later; one of each binding is asked for. */
async function rolesAreInForce({ client }: Cluster, { namespace, name }: Account): Promise<void> {
  const attempts = [
    { verb: 'list', group: 'kleym.sonda.red', resource: 'inferenceidentitybindings' },
    { verb: 'create', group: 'authentication.k8s.io', resource: 'tokenreviews' },
    { verb: 'create', group: 'coordination.k8s.io', resource: 'leases', namespace },
  ]
  for (const resourceAttributes of attempts)
    await until(`the operator may ${resourceAttributes.verb} ${resourceAttributes.resource}`, async () => {
      const { body } = await client.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: `system:serviceaccount:${namespace}:${name}`, resourceAttributes },
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
