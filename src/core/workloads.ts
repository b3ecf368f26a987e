import type { Binding } from './binding.ts'
import { mayServe, type Fallback } from './fallbacks.ts'
import { finding, type Finding, type RuleName } from './findings.ts'
import type { Identity, Settings } from './identity.ts'
import { textOr } from './json.ts'
import { byBytes } from './names.ts'
import type { IdentifiedBinding } from './overlap.ts'
import type { Pod, PodList } from './pods.ts'
import { hasLabels } from './selectors.ts'
import { nameAtMost, show } from './show.ts'

/** What pods show of a binding, and what the same pods showed of it before a request, which is no new harm. */
export type PodFindings = { readonly found: readonly Finding[]; readonly earlier: readonly Finding[] }

/** @param before the binding before the request */
export function podFindingsOn(
  after: IdentifiedBinding,
  before: IdentifiedBinding | undefined,
  adviceOn: (one: IdentifiedBinding) => readonly Finding[],
): PodFindings {
  const found = adviceOn(after)
  const isOfSamePods = before?.identity.pods.pairs.join() === after.identity.pods.pairs.join()
  return { found, earlier: before && isOfSamePods && found.length > 0 ? adviceOn(before) : [] }
}

/** The rules about pods, in the order of their advice. Statuses never show this advice. */
export const workloadRules: readonly RuleName[] = [
  'noSuchServiceAccount',
  'noSuchContainer',
  'fallbackSuppressed',
]

/** What advice about pods needs beside the binding: the pods of its pool and the fallbacks of the cluster. */
export type Workloads = {
  readonly list: PodList
  readonly fallbacks: Iterable<Fallback>
  readonly settings: Settings
}

/**
 * Advice on a binding with an identity, by the existing pods of its pool. SPIRE Controller Manager checks neither the
 * service account nor the containers of a pod, so it makes entries that no workload matches.
 */
export function adviseOnPods(binding: Binding, identity: Identity, workloads: Workloads): readonly Finding[] {
  const { pods, complete } = workloads.list
  const unfit = complete && pods.length > 0 ? whyNoneFits(pods, wantedBy(binding, identity)) : []
  const lost = lostIdentities(binding, identity, workloads)
  return lost ? [...unfit, lost] : unfit
}

/** The same advice by all pods of the namespace, of which those of the pool count. */
export const adviseOnNamespace = (
  { binding, identity }: IdentifiedBinding,
  { pods, complete }: PodList,
  rest: Omit<Workloads, 'list'>,
): readonly Finding[] => {
  const list = { pods: pods.filter((pod) => hasLabels(pod.labels, identity.pods.labels)), complete }
  return adviseOnPods(binding, identity, { ...rest, list })
}

/** The workloads that a binding is for. Without a container it is for all of an account. */
export type WantedPod = { readonly account: string; readonly container: string | undefined }

export const wantedBy = ({ spec }: Binding, { mode }: Identity): WantedPod => ({
  account: textOr(spec.serviceAccountName, ''),
  container: mode === 'PerObjective' ? textOr(spec.containerName, '') : undefined,
})

/** Whether a pod has such a workload. */
export const fits = (pod: Pod, { account, container }: WantedPod): boolean =>
  pod.serviceAccountName === account && (container === undefined || pod.containers.includes(container))

/**
 * Whether this pod alone gives the same advice as all pods of the pool. One pod that fits is enough, unless a fallback is told of by
 * the other pods: a PoolOnly binding takes it from those under another account, and a fallback may select some of the pods only.
 */
export function tellsOfAll(
  pod: Pod,
  { binding, identity }: IdentifiedBinding,
  { fallbacks, settings }: Omit<Workloads, 'list'>,
): boolean {
  if (!fits(pod, wantedBy(binding, identity))) return false
  const meant = { namespace: binding.namespace, labels: identity.pods.labels }
  for (const fallback of fallbacks) {
    if (!mayServe(fallback, { ...meant, there: [] }, settings)) continue
    if (identity.mode === 'PoolOnly' || !mayServe(fallback, { ...meant, there: [pod] }, settings))
      return false
  }
  return true
}

/**
 * Why no pod fits, by account and by container. The container is sought in the pods that run as the account; if none does, in all of
 * them, so that both mistakes are told at once.
 */
function whyNoneFits(pods: readonly Pod[], { account, container }: WantedPod): readonly Finding[] {
  const running = pods.filter((pod) => pod.serviceAccountName === account)
  const isUnknown = running.length === 0
  return [
    ...(isUnknown ? [noSuchAccount(pods, account)] : []),
    ...(container === undefined ? [] : noSuchContainer(isUnknown ? pods : running, container, account)),
  ]
}

function noSuchAccount(pods: readonly Pod[], account: string): Finding {
  const accounts = listed(pods.map(({ serviceAccountName }) => serviceAccountName))
  return finding(
    'noSuchServiceAccount',
    { field: 'spec.serviceAccountName', cause: 'NotFound', value: account },
    `spec.serviceAccountName ${show(account)}: no pod of the pool runs as it, of ${pods.length} that are there; they run as ${accounts}`,
  )
}

/** @param pods those that run as the account, or all pods if none does */
function noSuchContainer(pods: readonly Pod[], container: string, account: string): readonly Finding[] {
  if (pods.some(({ containers }) => containers.includes(container))) return []
  const isOfAccount = pods.some(({ serviceAccountName }) => serviceAccountName === account)
  const which = isOfAccount ? `run as ${show(account)}` : 'are there'
  const containers = listed(pods.flatMap((pod) => pod.containers))
  return [
    finding(
      'noSuchContainer',
      { field: 'spec.containerName', cause: 'NotFound', value: container },
      `spec.containerName ${show(container)}: no pod of the pool has it, of ${pods.length} that ${which}; they have ${containers}`,
    ),
  ]
}

/**
 * Workloads that would lose the identity of a fallback. A fallback gives nothing to a pod that the binding's
 * ClusterSPIFFEID selects, so the pod's other containers, and all containers of a pod under another account, get no
 * identity.
 */
function lostIdentities(
  { namespace, spec }: Binding,
  { mode, pods: { labels } }: Identity,
  { list: { pods, complete }, fallbacks, settings }: Workloads,
): Finding | undefined {
  const isForAll =
    mode === 'PoolOnly' && pods.every((pod) => pod.serviceAccountName === spec.serviceAccountName)
  if (isForAll) return undefined
  const meant = { namespace, labels, there: complete ? pods : [] }
  const names: string[] = []
  for (const fallback of fallbacks) {
    if (mayServe(fallback, meant, settings)) names.push(fallback.name)
    if (names.length > nameAtMost) break
  }
  if (names.length === 0) return undefined
  const field = mode === 'PoolOnly' ? 'spec.serviceAccountName' : 'spec.containerName'
  const value = mode === 'PoolOnly' ? spec.serviceAccountName : spec.containerName
  return finding(
    'fallbackSuppressed',
    { field, cause: 'Invalid', value },
    `${field} ${show(value)}: ClusterSPIFFEID ${listed(names)} is a fallback: containers of these pods that no binding names lose the identity it gave them`,
  )
}

/** Each once, sorted, quoted. */
function listed(names: readonly string[]): string {
  const each = [...new Set(names)].toSorted(byBytes)
  const shown = each.slice(0, nameAtMost).map(show).join(', ')
  return each.length > nameAtMost ? `${shown} and others` : shown
}
