export type BackoffRange = { readonly fromMs: number; readonly toMs: number }

/** As client-go's reflector waits: 0.8 s doubled up to 30 s. */
export const usualBackoff: BackoffRange = { fromMs: 800, toMs: 30_000 }

/**
 * How long to wait after `failures` failures in a row: doubled each time, and up to twice that by chance, so that
 * all who lost the same server do not come back in step.
 */
export function backoffMs({ fromMs, toMs }: BackoffRange, failures: number, random: () => number): number {
  const base = fromMs * 2 ** Math.max(0, failures - 1)
  return Math.min(toMs, base * (1 + random()))
}

/** A server may ask for more patience than the back-off has, within reason. */
export const patience = (backoff: number, retryAfterMs: number | undefined): number =>
  Math.max(backoff, Math.min(retryAfterMs ?? 0, 300_000))
