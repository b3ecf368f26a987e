import type { Reply } from '../core/objects.ts'

/** What a run for one key ended with; the loop maps it to what it does with the key. */
export type Result =
  /** Nothing is left to do until something changes. */
  | { readonly kind: 'settled' }
  /** Something else must happen first; its event wakes the key, and the wait is there in case it is missed. */
  | {
      readonly kind: 'wait'
      readonly ms: number
      readonly why: string
      /** Only the cache has to catch up, which is nothing to tell anybody. */
      readonly isOurs?: true
    }
  /** It failed, and may succeed later. */
  | {
      readonly kind: 'retry'
      readonly why: string
      /** The same for the same failure, wherever it happens and whatever else its words say. */
      readonly cause: string
      readonly afterMs?: number | undefined
      /** The status says it already. */
      readonly isSaid?: true
      /** Tried again no later than this, whatever the back-off says. */
      readonly withinMs?: number | undefined
    }

export const settled: Result = { kind: 'settled' }

export const wait = (why: string, ms = 1000): Result => ({ kind: 'wait', why, ms })

/** What was written is not in the cache yet. */
export const catchUp = (why: string): Result => ({ kind: 'wait', why, ms: 1000, isOurs: true })

/** A reply that ends a run early, a refusal among them: what is refused now may be allowed later. */
export function retryOf(doing: string, reply: Exclude<Reply, { kind: 'done' }>): Result {
  switch (reply.kind) {
    case 'absent':
      return { kind: 'retry', why: `${doing}: not found`, cause: '404' }
    case 'conflict':
      return { kind: 'retry', why: `${doing}: ${reply.message}`, cause: causeOf('409', '', reply.message) }
    case 'refused': {
      const { code, message } = reply
      return { kind: 'retry', why: `${doing}: ${message}`, cause: causeOf(String(code), '', message) }
    }
    case 'failed': {
      const { code, reason = '', cause, retryAfterMs } = reply
      const kind = code === undefined ? 'no answer' : causeOf(String(code), reason, cause)
      return { kind: 'retry', why: `${doing}: ${cause}`, cause: kind, afterMs: retryAfterMs }
    }
  }
}

/** The code, the reason and the webhook that failed; not ports, addresses or times, which differ each time. */
const causeOf = (code: string, reason: string, message: string): string =>
  [code, reason, /webhook "([^"]+)"/.exec(message)?.[1] ?? ''].join(' ').trim()
