const secondMs = 1000

/** admissionregistration.k8s.io/v1: a webhook's timeout is 1 to 30 s, by default 10 s. */
const defaultMs = 10 * secondMs
const longestMs = 30 * secondMs

/** Units of Go's time.ParseDuration, in whose format the API server writes `?timeout=`. */
const units = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', secondMs],
  ['m', 60 * secondMs],
  ['h', 3600 * secondMs],
])

// Both letters for micro, as escapes: the bundle is ASCII, and the bundler can't escape in a raw template.
const term = String.raw`(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)`
const duration = new RegExp(`^(?:${term})+$`)
const terms = new RegExp(term, 'g')

/** `?timeout=` in ms, at most 30 s; the default if it is absent, zero or not a duration. */
export function timeoutMs(timeout: unknown): number {
  if (typeof timeout !== 'string' || timeout.length > 64 || !duration.test(timeout)) return defaultMs
  let sum = 0
  for (const [, number, unit = ''] of timeout.matchAll(terms)) sum += Number(number) * (units.get(unit) ?? 0)
  return sum > 0 ? Math.min(sum, longestMs) : defaultMs
}

/**
 * The time in ms that a review may take. The rest of the timeout, never more than half, is for its answer to travel.
 */
export function budgetMs(timeout: number, reserveMs: number): number {
  return Math.max(timeout - reserveMs, timeout / 2)
}

export type Timed<T> = { readonly kind: 'answered'; readonly answer: T } | { readonly kind: 'late' }

/**
 * Runs `work` with a time limit. Its signal aborts when the time is over or `stopAll` is called; a later result is
 * dropped.
 */
export class Deadlines {
  readonly #running = new Set<() => void>()

  async within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<Timed<T>> {
    if (ms <= 0) return { kind: 'late' }
    const { promise: late, resolve } = Promise.withResolvers<Timed<T>>()
    const controller = new AbortController()
    const stop = (): void => {
      // The timeout is settled before the abort, so that a review that answers its own abort still counts as late.
      resolve({ kind: 'late' })
      controller.abort(new Error('the time for this admission review is over'))
    }
    const timer = setTimeout(stop, ms)
    this.#running.add(stop)
    try {
      return await Promise.race([late, answered(work, controller.signal)])
    } finally {
      clearTimeout(timer)
      this.#running.delete(stop)
    }
  }

  stopAll(): void {
    for (const stop of this.#running) stop()
  }
}

/** Async, so that a `work` that throws at once rejects like any other. */
async function answered<T>(
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<Timed<T>> {
  return { kind: 'answered', answer: await work(signal) }
}
