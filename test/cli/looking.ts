import type { ClusterReads, OperatorSight, ReadCluster, ReadPods, SpireSight } from '../../src/cli/cluster.ts'
import { inspect, type InspectOptions } from '../../src/cli/inspect.ts'
import { status, type StatusOptions } from '../../src/cli/status.ts'
import type { JsonObject } from '../../src/core/json.ts'
import {
  decodeOperatorStatus,
  effectiveActions,
  encodeOperatorStatus,
  type OperatorHealth,
} from '../../src/core/operator-status.ts'
import { decodePod } from '../../src/core/pods.ts'
import { allResources, type Resource } from '../../src/core/resources.ts'
import type { Unread } from '../../src/core/unread.ts'
import type { CommandResult } from '../../src/result.ts'
import type { Definition } from '../../src/schema/definition.ts'
import { podObject, type PodOptions } from '../support/pods.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { listOf, verdictsOn } from './checking.ts'

export const now = new Date('2026-06-01T12:00:00Z')
export const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()

/** A cluster that holds these and serves these kinds; some of which may not be listed. */
export const clusterWith =
  (
    objects: readonly Manifest[],
    {
      unseen = [],
      served = allResources,
      unread,
      definitions,
    }: {
      unseen?: readonly Resource[]
      served?: readonly Resource[]
      unread?: readonly Unread[]
      definitions?: readonly Definition[] | undefined
    } = {},
  ): ReadCluster =>
  () =>
    Promise.resolve({
      kind: 'snapshot',
      served,
      ...(unread && { unread }),
      manifests: objects
        .map((object) => {
          const { name, namespace = '' } = object.metadata
          return { resource: resourceOf(object), object, name, namespace }
        })
        .filter(({ resource }) => !unseen.includes(resource)),
      unseen: unseen.map((resource) => ({ resource, why: `listing ${resource.plural}: 403` })),
      ...(definitions && { schemas: { definitions, unseen: [] } }),
    })

export const unreachable: ReadCluster = () =>
  Promise.resolve({ kind: 'problem', problem: 'there is no cluster here' })

const configuration = {
  trustDomain: 'example.org',
  className: undefined,
  actions: effectiveActions({}),
  flags: {},
}

const health: OperatorHealth = {
  version: '0.1.0',
  leader: 'kleym-operator-a',
  heartbeat: ago(30),
  everySeconds: 60,
  halted: undefined,
  checks: [
    { name: 'webhook', ok: true },
    { name: 'registration', ok: true, informs: true },
    { name: 'probe', ok: true, informs: true },
  ],
  certificates: { webhook: '2027-01-01T00:00:00.000Z' },
}

export const deployment = {
  namespace: 'kleym-system',
  name: 'kleym-operator',
  ready: 2,
  wanted: 2,
  version: '0.1.0',
}

/** An operator that has said this of itself, beside what a healthy one says. */
export const operator = (
  said: Partial<OperatorHealth> = {},
  more: Partial<Extract<OperatorSight, { kind: 'seen' }>> = {},
): OperatorSight => ({
  kind: 'seen',
  namespace: 'kleym-system',
  deployment,
  // The status goes through the ConfigMap, as a real one does.
  status: decodeOperatorStatus({
    data: encodeOperatorStatus({ configuration, health: { ...health, ...said } }),
  }),
  ...more,
})

/** The answers in which a test's cluster differs from a healthy one. */
export type Around = Partial<Omit<ClusterReads, 'readOperator' | 'readSpire'>> & {
  readonly sight?: OperatorSight
  readonly spire?: SpireSight
  readonly width?: number
}

function reachOf({ sight = operator(), spire = { kind: 'seen', leases: [] }, ...more }: Around) {
  const reads: ClusterReads = {
    defaultNamespace: () => Promise.resolve('default'),
    readCluster: unreachable,
    readPods: readPodsOf([]),
    readOperator: () => Promise.resolve(sight),
    readEvents: () => Promise.resolve({ kind: 'seen', events: [] }),
    readSpire: () => Promise.resolve(spire),
    readNamespace: () => Promise.resolve({}),
    ...more,
  }
  return { now, version: '1.2.3', ...reads, width: more.width }
}

export const statusOf = (
  readCluster: ReadCluster,
  options: Partial<StatusOptions> = {},
  around: Around = {},
): Promise<CommandResult> =>
  status(
    {
      namespace: undefined,
      all: false,
      operatorNamespace: undefined,
      format: 'text',
      strict: false,
      watch: false,
      ...options,
    },
    reachOf({ ...around, readCluster }),
  )

const stats = { namespacesSelected: 1, podsSelected: 1, entriesToSet: 1 }

/** A binding as the loop would leave it, and its ClusterSPIFFEID, if it has one, as SPIRE Controller Manager would leave that. */
export async function settled(
  one: Manifest,
  others: readonly Manifest[],
  {
    flags = [],
    status: made = { stats },
  }: { readonly flags?: readonly string[]; readonly status?: unknown } = {},
): Promise<readonly Manifest[]> {
  const verdicts = await verdictsOn([one, ...others], ...flags)
  const first = verdicts.find(({ name }) => name === one.metadata.name)
  if (!first) throw new Error(`nothing is said of ${listOf([one])}`)
  const output = first.clusterSPIFFEID
  return [
    { ...one, metadata: { ...one.metadata, generation: 1 }, status: first.status },
    ...others,
    ...(output
      ? [
          {
            apiVersion: 'spire.spiffe.io/v1alpha1',
            kind: 'ClusterSPIFFEID',
            ...output,
            metadata: {
              ...output.metadata,
              name: String(output.metadata['name']),
              creationTimestamp: ago(60),
            },
            status: made,
          },
        ]
      : []),
  ]
}

/** Changes each ClusterSPIFFEID, or takes it away. */
export const withOutput = (
  objects: readonly Manifest[],
  change: (output: Manifest) => Manifest | undefined,
): readonly Manifest[] =>
  objects.flatMap((one) => (one.kind === 'ClusterSPIFFEID' ? (change(one) ?? []) : one))

export type Looked = Partial<InspectOptions> & {
  readonly pods?: readonly PodOptions[] | 'forbidden'
  readonly unseen?: readonly Resource[]
  readonly served?: readonly Resource[]
  readonly unread?: readonly Unread[]
  readonly definitions?: readonly Definition[]
  readonly around?: Around
}

/** Reads pods as from a cluster that has these: those with any of the labels. */
export const readPodsOf =
  (pods: readonly PodOptions[] | 'forbidden'): ReadPods =>
  ({ namespace, pairs }) =>
    Promise.resolve(
      pods !== 'forbidden'
        ? {
            kind: 'seen',
            complete: true,
            pods: pods
              .map((one) => podObject({ namespace, ...one }))
              .flatMap((one) => decodePod(one) ?? [])
              .filter(({ labels }) => pairs === 'any' || pairs.some((pair) => hasPair(labels, pair))),
          }
        : { kind: 'unseen', why: 'listing pods: 403' },
    )

const hasPair = (labels: JsonObject, pair: string): boolean =>
  Object.entries(labels).some(([key, value]) => `${key}=${String(value)}` === pair)

/** `kleym inspect binding chat`, in a cluster with these objects. */
export const look = (
  objects: readonly Manifest[],
  {
    pods = [],
    unseen = [],
    served = allResources,
    unread = [],
    definitions,
    around = {},
    ...more
  }: Looked = {},
): Promise<CommandResult> =>
  inspect(
    {
      namespace: 'default',
      name: 'chat',
      operatorNamespace: undefined,
      settings: {},
      actions: {},
      format: 'text',
      strict: false,
      ...more,
    },
    reachOf({
      readCluster: clusterWith(objects, { unseen, served, unread, definitions }),
      readPods: readPodsOf(pods),
      ...around,
    }),
  )

export const firstLine = ({ stdout }: CommandResult): string => stdout.split('\n', 1)[0] ?? ''

/** The lines under a heading. */
export function under({ stdout }: CommandResult, heading: string): readonly string[] {
  const lines = stdout.split('\n')
  const start = lines.indexOf(heading) + 1
  const rest = start === 0 ? [] : lines.slice(start)
  const end = rest.indexOf('')
  return rest.slice(0, end === -1 ? rest.length : end).map((line) => line.trim())
}
