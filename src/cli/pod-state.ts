import { textOr, type JsonObject } from '../core/json.ts'
import type { IdentifiedBinding } from '../core/overlap.ts'
import type { Pod } from '../core/pods.ts'
import { hasLabels } from '../core/selectors.ts'
import { show } from '../core/show.ts'
import { identityIn } from '../core/stored-status.ts'
import { fits, wantedBy, type WantedPod } from '../core/workloads.ts'
import type { PodsSeen } from './cluster.ts'

/** The workloads that get an identity, computed from the present objects or read from the status. */
export type Rendering = {
  readonly spiffeId: string
  readonly selectors: readonly string[]
  /** The labels that select the pods, `key=value`. */
  readonly pairs: readonly string[]
  readonly wanted: WantedPod
}

export const renderingOf = ({ binding, identity }: IdentifiedBinding): Rendering => ({
  spiffeId: identity.spiffeId,
  selectors: identity.selectors,
  pairs: identity.pods.pairs,
  wanted: wantedBy(binding, identity),
})

/** The rendering that a status shows, for users who may not read pools and objectives; undefined if it shows none. */
export function renderingIn(status: JsonObject): Rendering | undefined {
  const shown = identityIn(status)
  const spiffeId = textOr(shown?.spiffeId, '')
  if (!shown || spiffeId === '') return undefined
  const selectors = shown.selectors.filter((one) => typeof one === 'string')
  const after = (prefix: string): readonly string[] =>
    selectors.flatMap((one) => (one.startsWith(prefix) ? [one.slice(prefix.length)] : []))
  const [account = ''] = after('k8s:sa:')
  const [container] = after('k8s:container-name:')
  // Neither the key nor the value of a label contains a colon.
  const pairs = after('k8s:pod-label:').map((label) => label.replace(':', '='))
  return { spiffeId, selectors, pairs, wanted: { account, container } }
}

/** One pod that has some of the labels, and why it does not get the identity; no reasons if it does. */
export type PodState = {
  readonly name: string
  readonly serviceAccountName: string
  readonly containers: readonly string[]
  /** RFC 3339; null if it does not run yet. */
  readonly runningSince: string | null
  readonly lacks: readonly string[]
}

export type PodsState =
  | {
      readonly seen: true
      /** True if there are no other pods. */
      readonly complete: boolean
      /** Pods with all labels of the pool. */
      readonly selected: readonly PodState[]
      /** Pods with some labels of the pool. */
      readonly nearly: readonly PodState[]
    }
  | { readonly seen: false; readonly why: string }

export function podsState({ pairs, wanted }: Rendering, seen: PodsSeen): PodsState {
  if (seen.kind === 'unseen') return { seen: false, why: seen.why }
  const labels = pairs.map(split)
  const wantedLabels = Object.fromEntries(labels)
  const { selected = [], nearly = [] } = Object.groupBy(seen.pods, (pod) =>
    hasLabels(pod.labels, wantedLabels) ? 'selected' : 'nearly',
  )
  return {
    seen: true,
    complete: seen.complete,
    selected: selected.map((pod) => stateOf(pod, missingIn(pod, wanted))).toSorted(byName),
    nearly: nearly
      .map((pod) =>
        stateOf(
          pod,
          labels.flatMap(([key, value]) => missingLabel(pod, key, value)),
        ),
      )
      .toSorted((a, b) => a.lacks.length - b.lacks.length || byName(a, b)),
  }
}

const stateOf = (
  { name, serviceAccountName, containers, runningSince }: Pod,
  lacks: readonly string[],
): PodState => ({ name, serviceAccountName, containers, runningSince: runningSince ?? null, lacks })

function split(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

const byName = (a: PodState, b: PodState): number => (a.name < b.name ? -1 : 1)

function missingIn(pod: Pod, wanted: WantedPod): readonly string[] {
  const { account, container } = wanted
  if (fits(pod, wanted)) return []
  return [
    ...(pod.serviceAccountName === account
      ? []
      : [`it runs as ServiceAccount ${show(pod.serviceAccountName)}, not as ${show(account)}`]),
    ...(container === undefined || pod.containers.includes(container)
      ? []
      : [`it has no container ${show(container)}, but ${pod.containers.map(show).join(', ')}`]),
  ]
}

function missingLabel(pod: Pod, key: string, value: string): readonly string[] {
  const its = Object.hasOwn(pod.labels, key) ? pod.labels[key] : undefined
  if (its === value) return []
  return [`label ${key} ${its === undefined ? 'is missing' : `is ${show(its)}`}, not ${show(value)}`]
}

/** Splits the pods of the pool into those that have the workload and those that lack it. */
export function parted(state: PodsState): Parted {
  if (!state.seen) return { served: [], others: [] }
  const { served = [], others = [] } = Object.groupBy(state.selected, ({ lacks }) =>
    lacks.length === 0 ? 'served' : 'others',
  )
  return { served, others }
}

type Parted = { readonly served: readonly PodState[]; readonly others: readonly PodState[] }

/** How many pods of each kind are named; the others are counted. */
const podsAtMost = 10

export function podLines(state: PodsState, { pairs }: Rendering): readonly string[] {
  if (!state.seen) return []
  const { complete, selected, nearly } = state
  const { served, others } = parted(state)
  const more = complete ? '' : ', of those that were looked at'
  return [
    selected.length === 0
      ? `none has all labels of the pool (${pairs.join(', ')})${more}`
      : `${served.length} of ${selected.length} ${served.length === 1 ? 'fits' : 'fit'}${more}`,
    ...named(served, 'fits', ''),
    ...named(others, 'does not fit', ': '),
    ...named(nearly, 'is not selected', ': '),
  ]
}

function named(pods: readonly PodState[], what: string, before: string): readonly string[] {
  const rest = pods.length - podsAtMost
  return [
    ...pods.slice(0, podsAtMost).map(({ name, lacks }) => `pod ${name} ${what}${before}${lacks.join('; ')}`),
    ...(rest > 0 ? [`and ${rest} more, of which each ${what}`] : []),
  ]
}
