import type { PodsSeen, ReadPods } from '../cli/cluster.ts'
import type { Pod } from '../core/pods.ts'
import type { Client } from '../kube/client.ts'
import { listCurrentPods, type PodsAt } from '../kube/pods.ts'
import { unseenBecause, type Connection } from './connected.ts'

/**
 * How many pages are read: every pod of a namespace may have a label. With more pages the result is marked as
 * incomplete.
 */
const pagesAtMost = 10
const pageSize = { limit: 500, maxBytes: 64 * 1024 * 1024 }

type At = Parameters<ReadPods>[0]

/** Finds the pods that have at least one of the labels, with one list for each label; all pods with one list. */
export const readPods = ({ use }: Connection, { namespace, pairs }: At): Promise<PodsSeen> =>
  use<PodsSeen>(async (client) => {
    const found = new Map<string, Pod>()
    let complete = true
    for (const labels of pairs === 'any' ? [[]] : pairs.map((pair) => [pair])) {
      const listed = await listAll(client, { namespace, pairs: labels })
      if (listed.kind === 'unseen') return listed
      for (const pod of listed.pods) found.set(pod.name, pod)
      complete &&= listed.complete
    }
    return { kind: 'seen', pods: [...found.values()], complete }
  }, unseenBecause)

async function listAll(client: Client, at: PodsAt): Promise<PodsSeen> {
  const pods: Pod[] = []
  let token: string | undefined
  for (let pages = 0; pages < pagesAtMost; pages += 1) {
    const page = await listCurrentPods(client, at, { ...pageSize, ...(token !== undefined && { token }) })
    if (page.kind !== 'page') return unseenBecause(`listing pods: ${page.why}`)
    pods.push(...page.pods)
    token = page.next
    if (token === undefined) return { kind: 'seen', pods, complete: true }
  }
  return { kind: 'seen', pods, complete: false }
}
