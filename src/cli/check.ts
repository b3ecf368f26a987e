import type { ActionOverrides } from '../core/verdict.ts'
import type { Settings } from '../core/identity.ts'
import { clusterSpiffeIdResource, gvk, optionalResources, type Resource } from '../core/resources.ts'
import { assess, audit, type Assessment } from './assess.ts'
import type { ClusterSnapshot, ReadCluster } from './cluster.ts'
import { readManifests } from './manifests.ts'
import { print, type Format } from './print.ts'
import { exitCodes, usage, type CommandResult } from './result.ts'

export type CheckOptions = {
  readonly settings: Settings
  readonly files: readonly string[]
  readonly namespace: string
  readonly format: Format
  /** The kinds that count as served; undefined is all of them, or what the cluster serves. */
  readonly served: readonly Resource[] | undefined
  readonly actions: ActionOverrides
  readonly live: boolean
}

export type CheckReach = {
  readonly now: Date
  readonly readStdin: () => Promise<string>
  readonly readCluster: ReadCluster
}

/** Gives the verdict on manifests without a cluster, or, live, beside what the current cluster holds. */
export async function check(options: CheckOptions, reach: CheckReach): Promise<CommandResult> {
  const { settings, actions, format } = options
  const { manifests, problems } = await readManifests(options.files, options.namespace, reach.readStdin)
  const snapshot = options.live ? await reach.readCluster() : noCluster
  if (snapshot.kind === 'problem') return usage([...problems, snapshot.problem])
  if (problems.length > 0) return usage(problems)
  const served = options.served ?? snapshot.served
  const world = { settings, actions, served, cluster: snapshot.manifests, now: reach.now }
  const assessments = options.files.length > 0 ? assess({ ...world, manifests }) : audit(world)
  return {
    code: assessments.some(isDenied) ? exitCodes.findings : exitCodes.fine,
    stdout: print(assessments, format),
    stderr: remarks(assessments, format),
  }
}

/** A file of ClusterSPIFFEIDs has no room for why one of them is missing. */
function remarks(assessments: readonly Assessment[], format: Format): string {
  if (assessments.length === 0) return 'kleym: no InferenceIdentityBinding found\n'
  return format === 'yaml' ? print(assessments.filter(isDenied), 'text') : ''
}

const noCluster: ClusterSnapshot = { kind: 'snapshot', served: optionalResources, manifests: [] }

const isDenied = ({ verdict }: Assessment): boolean => verdict.verdict === 'deny'

/** Reads `GROUP/VERSION/KIND`; `csid` is short for ClusterSPIFFEID's. Undefined for a kind unknown here. */
export const servedResource = (text: string): Resource | undefined =>
  text === 'csid' ? clusterSpiffeIdResource : optionalResources.find((resource) => gvk(resource) === text)
