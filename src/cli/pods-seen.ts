import type { PodAdvice } from '../core/admit.ts'
import type { Inventory } from '../core/inventory.ts'
import type { PodList } from '../core/pods.ts'
import { adviseOnNamespace } from '../core/workloads.ts'
import type { PodsSeen, ReadPods } from './cluster.ts'

/** What was seen of the pods of each namespace that was looked at. */
export type PodsByNamespace = ReadonlyMap<string, PodsSeen>

/** How many namespaces are listed at once. The API server reads such a list from etcd. */
const atOnce = 8

/**
 * Lists the pods of namespaces, once for each, however many bindings a namespace has.
 *
 * @param known what was seen before, which is not listed again
 */
export async function listPodsOf(
  namespaces: Iterable<string>,
  readPods: ReadPods,
  known: PodsByNamespace = new Map(),
): Promise<PodsByNamespace> {
  const wanted = [...new Set(namespaces)].filter((namespace) => !known.has(namespace))
  const seen = new Map(known)
  // All share one iterator, so each takes the next namespace once it is done with its last one.
  const left = wanted.values()
  const listRest = async (): Promise<void> => {
    for (const namespace of left) seen.set(namespace, await readPods({ namespace, pairs: 'any' }))
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, listRest))
  return seen
}

/** How many namespaces are named one by one; the others are counted. */
const nameAtMost = 10

/** One line on all namespaces whose pods could not be listed; none if all could. */
export function unseenPods(pods: PodsByNamespace): readonly string[] {
  const unseen = [...pods].flatMap(([namespace, seen]) =>
    seen.kind === 'unseen' ? [{ namespace, why: seen.why }] : [],
  )
  const [first] = unseen
  if (!first) return []
  const names = unseen.slice(0, nameAtMost).map(({ namespace }) => namespace)
  const more = unseen.length > nameAtMost ? ` and ${unseen.length - nameAtMost} more` : ''
  return [
    `goes on without the pods of namespace${unseen.length > 1 ? 's' : ''} ${names.join(', ')}${more}: ${first.why}`,
  ]
}

/** The list of a namespace; undefined if nobody has looked, or may not see it. */
const listIn = (pods: PodsByNamespace, namespace: string): PodList | undefined => {
  const seen = pods.get(namespace)
  return seen?.kind === 'seen' ? seen : undefined
}

/** The advice that admission gives on these pods. */
export const podAdviceOn =
  (pods: PodsByNamespace, inventory: Inventory): PodAdvice =>
  (one) => {
    const list = listIn(pods, one.binding.namespace)
    if (!list) return []
    return adviseOnNamespace(one, list, { fallbacks: inventory.fallbacks(), settings: inventory.settings })
  }
