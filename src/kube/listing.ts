import { objectOr } from '../core/json.ts'
import type { Call, Client, Lost, Query, Refused } from './client.ts'
import { asText } from './object.ts'

type Listing = Pick<Call, 'metadataOnly'> & {
  readonly client: Pick<Client, 'call'>
  readonly path: string
  readonly query: Query
  readonly pageSize: number
  readonly signal: AbortSignal
  /** Given each item as its page arrives, so that a page's bulk need not outlive it. */
  readonly take: (item: unknown) => void
  /**
   * Told after each page but the last how many items are left, if the API server says so; answers whether they are wanted. If they are
   * not, the list ends there, and counts as complete.
   */
  readonly wantsMore?: (left: number | undefined) => boolean
}

type ListResult = { readonly kind: 'complete'; readonly version: string } | Refused | Lost

/**
 * All pages of a list, as many as are wanted, or why there is no complete one.
 *
 * No resourceVersion is asked for, so the answer is the most recent state and can't lie behind what was seen before,
 * whichever API server of several gives it; and paging works, which it does not where any version will do.
 */
export async function listPages({
  client,
  path,
  query,
  pageSize,
  signal,
  take,
  metadataOnly = false,
  wantsMore = () => true,
}: Listing): Promise<ListResult> {
  let token = ''
  for (;;) {
    const page = { ...query, limit: String(pageSize), ...(token && { continue: token }) }
    const answer = await client.call({ method: 'GET', path, query: page, signal, metadataOnly })
    if (answer.kind !== 'ok') return answer
    const { items: listed, metadata } = objectOr(answer.body)
    // An empty list of metadata has null there (kube-apiserver 1.37): its Go type does not insist on an array.
    const items = listed === null ? [] : listed
    const { resourceVersion: version, continue: next, remainingItemCount } = objectOr(metadata)
    if (!Array.isArray(items) || typeof version !== 'string')
      return { kind: 'lost', error: new Error('the answer to a list is no list') }
    for (const item of items) take(item)
    token = asText(next) ?? ''
    if (token === '') return { kind: 'complete', version }
    const left = typeof remainingItemCount === 'number' ? remainingItemCount : undefined
    if (!wantsMore(left)) return { kind: 'complete', version }
  }
}
