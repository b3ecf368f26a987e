import type { AdmissionActions } from '../core/reference-verdict.ts'
import type { Settings } from '../core/identity.ts'
import { byBytes } from '../core/names.ts'
import {
  admissionLabel,
  clusterSpiffeIdResource,
  gvk,
  optionalResources,
  type Resource,
} from '../core/resources.ts'
import { assess, audit, isRefused, type Assessments } from './assess.ts'
import type { ClusterSnapshot, ReadCluster } from './cluster.ts'
import { readManifests } from './manifests.ts'
import { hasNews, print, type Format } from './print.ts'
import { exitCodes, usage, type CommandResult } from './result.ts'

export type CheckOptions = {
  readonly settings: Settings
  readonly files: readonly string[]
  readonly namespace: string
  readonly format: Format
  /** The kinds that count as served; undefined is all of them, or what the cluster serves. */
  readonly served: readonly Resource[] | undefined
  readonly actions: AdmissionActions
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
  const input = { ...world, manifests }
  const isAudit = options.files.length === 0
  const assessments = isAudit ? { bindings: audit(world), references: [] } : assess(input)
  const refused = isAnyDenied(assessments)
  const order = (): string => (isAudit ? anewLines(assessments) : orderLine(input, refused))
  return {
    code: refused ? exitCodes.findings : exitCodes.fine,
    stdout: print(assessments, format) + (format === 'text' && !isEmpty(assessments) ? order() : ''),
    stderr: remarks(assessments, format),
  }
}

/** A file of ClusterSPIFFEIDs has no room for why one of them is missing. */
function remarks(assessments: Assessments, format: Format): string {
  if (isEmpty(assessments)) return 'kleym: no InferenceIdentityBinding found\n'
  return format === 'yaml' ? print(denials(assessments), 'text') : ''
}

const isEmpty = ({ bindings, references }: Assessments): boolean =>
  bindings.length === 0 && !references.some(hasNews)

const denials = ({ bindings, references }: Assessments): Assessments => ({
  bindings: bindings.filter(isDenied),
  references: references.filter(isDenied),
})

const isAnyDenied = ({ bindings, references }: Assessments): boolean =>
  [...bindings, ...references].some(isDenied)

type Input = Parameters<typeof isRefused>[0]

/** The orders in which tools apply the same objects: Helm sorts kinds that it does not know by name, others by group. */
const toolOrders: readonly (readonly [tool: string, by: (manifest: Input['manifests'][number]) => string])[] =
  [
    ['Helm', ({ resource }) => resource.kind],
    ['Flux and Kustomize', ({ resource }) => resource.group],
  ]

/** Whether the order in which the objects are applied decides, which by default it never does. */
function orderLine(input: Input, refused: boolean): string {
  const differing = toolOrders.filter(([, by]) => {
    const manifests = input.manifests.toSorted((a, b) => byBytes(by(a), by(b)))
    return isRefused({ ...input, manifests }) !== refused
  })
  if (differing.length === 0)
    return refused
      ? 'applied in another order, something of this is refused too\n'
      : 'applied in another order, nothing of this is refused either\n'
  const tools = differing.map(([tool]) => tool).join(' and ')
  return refused
    ? `in the order of ${tools}, nothing of this would be refused\n`
    : `in the order of ${tools}, something of this would be refused\n`
}

/** What a cluster holds and would not take again, as when it is restored. */
function anewLines({ bindings }: Assessments): string {
  const names = bindings.filter(isDenied).map(({ namespace, name }) => `  ${namespace}/${name}\n`)
  return names.length === 0
    ? 'all of this could be applied anew\n'
    : `could not be applied anew, as by a restore, unless the namespace is labelled ${admissionLabel}=warn:\n${names.join('')}`
}

const noCluster: ClusterSnapshot = { kind: 'snapshot', served: optionalResources, manifests: [] }

const isDenied = ({ verdict }: { readonly verdict: { readonly verdict: string } }): boolean =>
  verdict.verdict === 'deny'

/** Reads `GROUP/VERSION/KIND`; `csid` is short for ClusterSPIFFEID's. Undefined for a kind unknown here. */
export const servedResource = (text: string): Resource | undefined =>
  text === 'csid' ? clusterSpiffeIdResource : optionalResources.find((resource) => gvk(resource) === text)
