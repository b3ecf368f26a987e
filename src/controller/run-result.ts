import type { Reply } from '../core/objects.ts'

/** How a run for one key ended. The loop decides by it when the key is run again. An Outcome (core) is what the status says. */
export type RunResult =
  /** Nothing is left to do until a watched object changes. */
  | { readonly kind: 'settled' }
  /** Something else must happen first. Its watch event runs the key again; the wait covers an event that is missed. */
  | {
      readonly kind: 'wait'
      readonly ms: number
      readonly why: string
      /** True if the wait ends by itself within seconds; it is not reported. */
      readonly endsSoon?: true
    }
  /** The run failed, and may succeed later. */
  | {
      readonly kind: 'retry'
      readonly why: string
      /** Names the kind of failure: equal for equal failures, even if `why` differs in object names or addresses. */
      readonly cause: string
      readonly afterMs?: number | undefined
      /** True if the binding's status already says this failure. */
      readonly isInStatus?: true
      /** The key is run again within this time, even if its back-off is longer, or the API server asks for more. */
      readonly withinMs?: number | undefined
    }

export const settled: RunResult = { kind: 'settled' }

export const wait = (why: string, ms = 1000): RunResult => ({ kind: 'wait', why, ms })

/** The run ends because what it needs, such as our own last write, is not in the cache yet. */
export const catchUp = (why: string): RunResult => ({ kind: 'wait', why, ms: 1000, endsSoon: true })

/**
 * How long to wait where a Retry-After asks for so many ms: at least a second, because a zero would make a busy loop, and five
 * minutes at most, because a day would lose what waits.
 */
export const waitAsAsked = (retryAfterMs: number): number => Math.min(Math.max(retryAfterMs, 1000), 300_000)

/** A reply that leaves open whether there is such an object. */
export type FailedReply = Exclude<Reply, { kind: 'done' | 'absent' }>

/**
 * Turns a reply that is no success into a retry. Refusals are retried too: what is refused now may be allowed later.
 */
export function retryOf(doing: string, reply: Exclude<Reply, { kind: 'done' }>): RunResult {
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

/**
 * Made of the code, the reason and the webhook that failed. Ports, addresses and times differ each time and are left
 * out.
 */
const causeOf = (code: string, reason: string, message: string): string =>
  [code, reason, /webhook "([^"]+)"/.exec(message)?.[1] ?? ''].join(' ').trim()
