import { field, objectOr, textOr } from '../core/json.ts'
import { decodePod, type Pod } from '../core/pods.ts'
import { podResource } from '../core/resources.ts'
import { failureWords, resourcePath, type Client } from './client.ts'

/** Which pods of a namespace: those with all of these labels, `key=value`, or the one of them that has this name. */
export type PodsAt = { readonly namespace: string; readonly pairs: readonly string[]; readonly name?: string }

/** How much of a list is asked for at once. A `token` goes on where the last page ended. */
export type PageSize = { readonly limit: number; readonly maxBytes: number; readonly token?: string }

export type PodPage =
  | { readonly kind: 'page'; readonly pods: readonly Pod[]; readonly next: string | undefined }
  | { readonly kind: 'forbidden'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * Finished pods get no identity any more, and where Jobs run there are many: the API server leaves them out of the
 * answer.
 */
const unfinished = 'status.phase!=Succeeded,status.phase!=Failed'

/**
 * A name has the API server look up one pod instead of going through all pods of the namespace. A limit beside the name would
 * have Kubernetes 1.30 read it from etcd.
 */
const which = (name: string | undefined, limit: number): Readonly<Record<string, string>> =>
  name === undefined
    ? { fieldSelector: unfinished, limit: String(limit) }
    : { fieldSelector: `${unfinished},metadata.name=${name}` }

/**
 * A page of pods as the API server remembers them. `resourceVersion=0` would have it ignore the limit, and without a
 * version it asks etcd how old its memory is and waits for up to 100 ms; any version that is past will do.
 */
export async function listRememberedPods(
  client: Pick<Client, 'call'>,
  at: PodsAt,
  page: PageSize,
  signal: AbortSignal,
): Promise<PodPage> {
  const where = page.token === undefined ? remembered : { continue: page.token }
  return listPods(client, at, page, where, signal)
}

const remembered = { resourceVersion: '1', resourceVersionMatch: 'NotOlderThan' }

/** A page of pods as they are at this moment, with as much time as any request has. */
export const listCurrentPods = (client: Pick<Client, 'call'>, at: PodsAt, page: PageSize): Promise<PodPage> =>
  listPods(client, at, page, page.token === undefined ? {} : { continue: page.token })

async function listPods(
  client: Pick<Client, 'call'>,
  { namespace, pairs, name }: PodsAt,
  { limit, maxBytes }: PageSize,
  where: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<PodPage> {
  const answer = await client.call({
    method: 'GET',
    path: resourcePath(podResource, { namespace }),
    query: { labelSelector: pairs.join(','), ...which(name, limit), ...where },
    maxBytes,
    ...(signal && { signal }),
  })
  if (answer.kind === 'refused' && answer.code === 403) return { kind: 'forbidden', why: answer.message }
  if (answer.kind !== 'ok') return { kind: 'unknown', why: failureWords(answer) }
  const { items, metadata } = objectOr(answer.body)
  if (!Array.isArray(items)) return { kind: 'unknown', why: 'the answer to a list of pods is no list' }
  const next = textOr(field(objectOr(metadata), 'continue'), '')
  return {
    kind: 'page',
    pods: items.flatMap((item) => decodePod(item) ?? []),
    next: next === '' ? undefined : next,
  }
}
