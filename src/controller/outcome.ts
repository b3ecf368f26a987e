import type { Reply } from '../core/objects.ts'

/** What a run for one key ended with; the loop maps it to what it does with the key. */
export type Result =
  /** Nothing is left to do until something changes. */
  | { readonly kind: 'settled' }
  /** Something else must happen first; its event wakes the key, and the wait is there in case it is missed. */
  | { readonly kind: 'wait'; readonly ms: number; readonly why: string }
  /** It failed, and may succeed later. */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number | undefined }

export const settled: Result = { kind: 'settled' }

export const wait = (why: string, ms = 1000): Result => ({ kind: 'wait', why, ms })

/** A reply that ends a run early, a refusal among them: what is refused now may be allowed later. */
export function retryOf(doing: string, reply: Exclude<Reply, { kind: 'done' }>): Result {
  switch (reply.kind) {
    case 'absent':
      return { kind: 'retry', why: `${doing}: not found` }
    case 'conflict':
    case 'refused':
      return { kind: 'retry', why: `${doing}: ${reply.message}` }
    case 'failed':
      return { kind: 'retry', why: `${doing}: ${reply.cause}`, afterMs: reply.retryAfterMs }
  }
}
