import { slowRequestMs, type Blinds, type FaultMark } from '../history.ts'

type Span = { readonly blinds: Blinds; readonly from: number; to: number }

/** Retries are at most this far apart, however long an outage lasted. */
const longestRetryMs = 60_000
/** A watch is begun again after at most this. */
const longestBackoffMs = 30_000
/**
 * What one run of a binding asks at most, one after the other: a read of a ClusterSPIFFEID and of what is to be confirmed, a
 * write, two Events, the status.
 */
const requestsOfARun = 6
/** For what is under way when an outage ends. */
const graceMs = 2_000

/** Knows when which fault lasted, and so how much of a period the operator could use to act. */
export class Blindness {
  readonly #spans = new Map<number, Span>()

  note({ id, at, phase, blinds }: FaultMark): void {
    const span = this.#spans.get(id)
    if (phase === 'begins') this.#spans.set(id, { blinds, from: at, to: Infinity })
    else if (span) span.to = at
    for (const [old, { to }] of this.#spans) if (to < at - 30 * longestRetryMs) this.#spans.delete(old)
  }

  /**
   * For how many of the milliseconds between two moments writes of this kind could succeed. The time after an outage does
   * not count for as long as the outage lasted: the waits between retries double, so the next retry may be that far away.
   */
  msWritable(from: number, to: number, kind: 'statuses' | 'outputs'): number {
    const blind = [...this.#spans.values()]
      .filter(({ blinds }) => blinds === 'everything' || (kind === 'outputs' && blinds === 'outputs'))
      .map((span) => ({
        from: span.from,
        to: span.to + Math.min(span.to - span.from, longestRetryMs) + graceMs,
      }))
      .toSorted((a, b) => a.from - b.from)
    let [reached, lost] = [from, 0]
    for (const span of blind) {
      const start = Math.max(span.from, reached)
      const end = Math.min(span.to, to)
      if (end <= start) continue
      lost += end - start
      reached = end
    }
    return to - from - lost
  }

  /**
   * How much longer it may take until something is said, because every request was slow for a while between two moments. The run
   * that is under way when the time is over may be the one that succeeds, and nothing is said before its end.
   */
  slackMs(from: number, to: number): number {
    const slowed = [...this.#spans.values()]
      .filter(({ blinds }) => blinds === 'haste')
      .reduce((sum, span) => sum + Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)), 0)
    return Math.min(slowed, requestsOfARun * slowRequestMs)
  }

  /** Whether there was a time between two moments in which writes of this kind could not succeed. */
  isBlind(from: number, to: number, kind: 'statuses' | 'outputs'): boolean {
    // One millisecond more, so that a fault which began at that very moment counts, too.
    return this.msWritable(from, to + 1, kind) < to + 1 - from
  }

  /**
   * The earliest moment at which a write that comes now may have been decided. A fault delays writes that were decided
   * before it. After the fault, what a replica knows may be as old as the fault was long, for as long again; if the next
   * fault comes within that time, the two add up.
   */
  earliestDecision(at: number, usualMs: number): number {
    const spans = [...this.#spans.values()].toSorted((a, b) => b.from - a.from)
    let since = at
    for (const { from, to } of spans) {
      const reach = to + Math.min(to - from, longestBackoffMs) + usualMs
      if (from < since && reach >= since) since = from
    }
    return since - usualMs
  }
}
