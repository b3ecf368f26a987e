export type BackoffRange = { readonly fromMs: number; readonly toMs: number }

/** The waits of client-go's reflector, 0.8 s doubled up to 30 s, so that API servers meet a load they know. */
export const usualBackoff: BackoffRange = { fromMs: 800, toMs: 30_000 }

/**
 * How long to wait after `failures` failures in a row: doubled each time, and up to twice that by chance, so that
 * all who lost the same server do not come back in step.
 */
export function backoffMs({ fromMs, toMs }: BackoffRange, failures: number, random: () => number): number {
  const base = fromMs * 2 ** Math.max(0, failures - 1)
  return Math.min(toMs, base * (1 + random()))
}

/** A Retry-After is believed up to five minutes: a mistaken one must not silence a watch for hours. */
const longestRetryAfterMs = 300_000

/** How long to wait: the back-off, or longer where the API server asks for more time by Retry-After. */
export const waitMs = (backoff: number, retryAfterMs: number | undefined): number =>
  Math.max(backoff, Math.min(retryAfterMs ?? 0, longestRetryAfterMs))
