import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import {
  bindingResource,
  clusterSpiffeIdResource,
  objectiveResources,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { listOf, recordOf, textOf, type Json } from '../../support/embedded/json.ts'
import { gitOpsBinaries } from '../../support/real.ts'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'
import { createNamespace, metaOf, until, type Cluster } from '../support/cluster.ts'

export const root = resolve(import.meta.dirname, '../../..')

export const chart = 'examples/charts/serving'

/** A namespace of its own, and the tools of someone who works in it. */
export type Tenant = {
  readonly namespace: string
  /**
   * Runs a command line in the root of the project, with kubectl, helm and flux-apply on the PATH, and the
   * namespace as the one that they use when none is named.
   */
  readonly shell: (command: string, input?: string) => Promise<ProgramResult>
  /** `helm install`, `upgrade` or `template` of the chart as release `chat`, with these values. */
  readonly helm: (
    command: 'install' | 'upgrade' | 'upgrade --install' | 'template',
    values: object,
  ) => Promise<ProgramResult>
  /** What the chart gives with these values, in Helm's order. */
  readonly render: (values: object) => Promise<string>
  /** Waits until each binding's status fits its spec, pool and objective, and what is being deleted is gone. */
  readonly settled: () => Promise<void>
  /** By name, the reason of each binding's Ready condition. */
  readonly reasons: () => Promise<Readonly<Record<string, unknown>>>
  readonly poolLabels: () => Promise<unknown>
}

export async function startTenant(
  cluster: Cluster,
  namespace = `gitops-${randomBytes(4).toString('hex')}`,
): Promise<Tenant> {
  await createNamespace(cluster, namespace)
  const { plane, find, list } = cluster
  const kubeconfig = join(plane.directory, `kubeconfig-${namespace}`)
  await writeFile(kubeconfig, await kubeconfigWithin(namespace, plane.kubeconfig), { mode: 0o600 })
  const { helm, 'flux-apply': flux } = gitOpsBinaries()
  const path = [...[helm, flux, plane.kubectl].map(dirname), process.env['PATH']].join(':')
  const env = { PATH: path, KUBECONFIG: kubeconfig, HOME: join(plane.directory, 'home') }
  const shell: Tenant['shell'] = (command, input = '') =>
    runProgram('/bin/sh', ['-c', command], { env, cwd: root, input })
  // Without the flag, an upgrade without values takes those of the release before.
  const runHelm: Tenant['helm'] = (command, values) =>
    shell(
      `helm ${command} chat ${chart} -f - ${command.startsWith('upgrade') ? '--reset-values' : ''}`,
      JSON.stringify(values),
    )
  return {
    namespace,
    shell,
    helm: runHelm,
    render: async (values) => (await must(runHelm('template', values))).stdout,
    settled: () =>
      until(`the bindings of ${namespace} have settled`, async () => {
        const bindings = await list(bindingResource, namespace)
        const settled = await Promise.all(bindings.map((binding) => isSettled(cluster, binding)))
        return settled.every(Boolean)
      }),
    reasons: async () =>
      Object.fromEntries(
        (await list(bindingResource, namespace)).map((one) => [metaOf(one)['name'], reasonOf(one)]),
      ),
    poolLabels: async () => {
      const [resource] = poolResources
      if (!resource) throw new Error('there is no kind of pools')
      const pool = await find(resource, { namespace, name: 'chat' })
      return pool && recordOf(recordOf(pool['spec'])['selector'])['matchLabels']
    },
  }
}

/** Throws if a command fails that a test builds on. */
export async function must(running: Promise<ProgramResult>): Promise<ProgramResult> {
  const result = await running
  if (result.code !== 0) throw new Error(`exit code ${result.code}\n${result.stdout}${result.stderr}`)
  return result
}

/** The kubeconfig with a namespace that is used where a command names none, as JSON, which is YAML too. */
export async function kubeconfigWithin(namespace: string, file: string): Promise<string> {
  const config = recordOf(parse(await readFile(file, 'utf8')))
  const contexts = listOf(config['contexts'])
    .map(recordOf)
    .map((one) => ({ ...one, context: { ...recordOf(one['context']), namespace } }))
  return JSON.stringify({ ...config, contexts })
}

const readyOf = (binding: Json): Json =>
  listOf(recordOf(binding['status'])['conditions'])
    .map(recordOf)
    .find(({ type }) => type === 'Ready') ?? {}

const reasonOf = (binding: Json): unknown => readyOf(binding)['reason']

async function isSettled({ find }: Cluster, binding: Json): Promise<boolean> {
  const { namespace, generation, deletionTimestamp } = metaOf(binding)
  const { reason, observedGeneration } = readyOf(binding)
  if (deletionTimestamp !== undefined || observedGeneration !== generation) return false
  const { poolRef, objectiveRef } = recordOf(binding['spec'])
  const isThere = async (resource: Resource | undefined, ref: unknown): Promise<boolean> =>
    resource !== undefined &&
    (await find(resource, { namespace: textOf(namespace), name: textOf(recordOf(ref)['name']) })) !==
      undefined
  if (!(await isThere(poolResources[0], poolRef))) return reason === 'TargetPoolNotFound'
  if (!(await isThere(objectiveResources[0], objectiveRef))) return reason === 'TargetObjectiveNotFound'
  return reason !== 'TargetPoolNotFound' && reason !== 'TargetObjectiveNotFound'
}

/** The names of the ClusterSPIFFEIDs that give this ID in this namespace. */
export async function outputsWith(
  { list }: Cluster,
  namespace: string,
  objective: string,
): Promise<readonly unknown[]> {
  const ending = `/ns/${namespace}/objective/${objective}`
  return (await list(clusterSpiffeIdResource))
    .filter((one) => String(recordOf(one['spec'])['spiffeIDTemplate']).endsWith(ending))
    .map((one) => metaOf(one)['name'])
}
