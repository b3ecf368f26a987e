import type { Binding } from './binding.ts'
import { mayServe, type Fallback } from './fallbacks.ts'
import { finding, type Finding, type RuleName } from './findings.ts'
import type { Identity, Settings } from './identity.ts'
import { textOr } from './json.ts'
import { byBytes } from './names.ts'
import type { Pod, PodList } from './pods.ts'
import { show } from './show.ts'

/** Names that are listed; there is no use in more. */
const nameAtMost = 10

/** The advice that pods give, in the order in which it is given. None of it ever stands in a status. */
export const workloadRules: readonly RuleName[] = [
  'noSuchServiceAccount',
  'noSuchContainer',
  'fallbackSuppressed',
]

/** What is known beside the binding: the pods of its pool, and the fallbacks of the cluster. */
export type Workloads = {
  readonly list: PodList
  readonly fallbacks: Iterable<Fallback>
  readonly settings: Settings
}

/**
 * What the pods that are there show about a binding that stands for an identity: SPIRE Controller Manager looks neither
 * at their service account nor at their containers, and so makes entries by which nobody gets anything.
 */
export function adviseOnPods(binding: Binding, identity: Identity, workloads: Workloads): readonly Finding[] {
  const { pods, complete } = workloads.list
  const unfit = complete && pods.length > 0 ? whyNoneFits(pods, wantedBy(binding, identity)) : undefined
  const lost = lostIdentities(binding, identity, workloads)
  return [unfit, lost].filter((one) => one !== undefined)
}

/** The workloads of a pool that a binding is for; without a container it is for all of them. */
export type Wanted = { readonly account: string; readonly container: string | undefined }

export const wantedBy = ({ spec }: Binding, { mode }: Identity): Wanted => ({
  account: textOr(spec.serviceAccountName, ''),
  container: mode === 'PerObjective' ? textOr(spec.containerName, '') : undefined,
})

/** Whether there is such a workload in a pod of the pool. */
export const fits = (pod: Pod, { account, container }: Wanted): boolean =>
  pod.serviceAccountName === account && (container === undefined || pod.containers.includes(container))

/** The account comes first: where it is wrong, its containers are nobody's. */
function whyNoneFits(pods: readonly Pod[], wanted: Wanted): Finding | undefined {
  const { account, container } = wanted
  const running = pods.filter((pod) => pod.serviceAccountName === account)
  if (running.length === 0) {
    const accounts = listed(pods.map(({ serviceAccountName }) => serviceAccountName))
    return finding(
      'noSuchServiceAccount',
      { field: 'spec.serviceAccountName', cause: 'NotFound', value: account },
      `spec.serviceAccountName ${show(account)}: no pod of the pool runs as it, of ${pods.length} that are there; they run as ${accounts}`,
    )
  }
  if (container === undefined || running.some((pod) => fits(pod, wanted))) return undefined
  const containers = listed(running.flatMap((pod) => pod.containers))
  return finding(
    'noSuchContainer',
    { field: 'spec.containerName', cause: 'NotFound', value: container },
    `spec.containerName ${show(container)}: no pod of the pool has it, of ${running.length} that run as ${show(account)}; they have ${containers}`,
  )
}

/**
 * A fallback gives nothing to a pod that the binding's ClusterSPIFFEID selects: that leaves the other containers without
 * an identity, and every container of a pod under another account.
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
