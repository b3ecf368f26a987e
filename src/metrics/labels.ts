/** Maps values from users and servers to a bounded set of labels, because a series, once made, stays in memory. */

/** The default of the API is PerObjective. */
export function modeLabel(mode: unknown): string {
  if (mode === undefined || mode === null || mode === '') return 'PerObjective'
  return mode === 'PoolOnly' || mode === 'PerObjective' ? mode : 'unsupported'
}

export const codeLabel = (code: number): string =>
  code === 0 || (Number.isInteger(code) && code >= 100 && code < 600) ? String(code) : 'other'

export const oneOf =
  (known: readonly string[]) =>
  (value: string): string =>
    known.includes(value) ? value : 'other'

/** Lets the first `limit` different values through and maps all others to one. */
export function atMost(limit: number): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (seen.size < limit) seen.add(value)
    return seen.has(value) ? value : 'other'
  }
}

/** Buckets of a duration, from 1 ms to the 10 s after which the API server has long given up on a webhook. */
export const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
