import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { atMost, oneOf, seconds } from './labels.ts'

export type ReviewResult = {
  readonly operation: string
  readonly decision: 'allow' | 'warn' | 'deny' | 'error'
  /** The reason of its first finding; of a refusal, of the first finding that refuses. */
  readonly reason?: string | undefined
}

export type AdmissionMetrics = {
  /** Notes that a review began. The returned function has to be called once, when the review is answered. */
  readonly reviewStarted: () => (result: ReviewResult) => void
  /** The number of claims on collision keys, read at each scrape. */
  readonly claimsFrom: (source: () => number) => void
  /** Whether the last probe reached the webhook through the API server. */
  readonly webhookProbe: (reached: boolean) => void
  /** Counts a call without a token, or a connection over the limit, at the webhook. */
  readonly turnedAway: (what: 'call' | 'connection') => void
  /** Counts a claim that was disregarded because too many claims on its key were never followed by a binding. */
  readonly claimDisregarded: () => void
}

export function admissionMetrics(registers: Registry[]): AdmissionMetrics {
  let source: (() => number) | undefined
  const claims: Gauge = new Gauge({
    name: 'kleym_admission_claims',
    help: 'Collision keys that are claimed for a binding that is being admitted.',
    registers,
    collect: () => {
      claims.set(source?.() ?? 0)
    },
  })
  const operationLabel = oneOf(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'])
  const reasonLabel = atMost(64)
  const reviews = new Counter({
    name: 'kleym_admission_reviews_total',
    help: 'Admission reviews that were answered.',
    labelNames: ['operation', 'decision', 'reason'] as const,
    registers,
  })
  const duration = new Histogram({
    name: 'kleym_admission_review_duration_seconds',
    help: 'Seconds from an admission request to its answer.',
    labelNames: ['operation'] as const,
    buckets: seconds,
    registers,
  })
  const inFlight = new Gauge({
    name: 'kleym_admission_reviews_in_flight',
    help: 'Admission reviews that are not answered yet.',
    registers,
  })
  const probe = new Gauge({
    name: 'kleym_webhook_probe_success',
    help: 'Whether the last dry run through the API server came back through the webhook; absent before the first.',
    registers,
  })
  // A gauge without labels would be 0 from the start, which is what an alert asks for.
  probe.remove()
  const turnedAway = new Counter({
    name: 'kleym_webhook_turned_away_total',
    help: 'Calls of the webhook without its token, and connections from such addresses that were too many.',
    labelNames: ['what'] as const,
    registers,
  })
  const disregarded = new Counter({
    name: 'kleym_admission_claims_disregarded_total',
    help: 'Claims on collision keys that were passed over, since no binding had followed too many claims on the same key.',
    registers,
  })
  return {
    reviewStarted: () => {
      inFlight.inc()
      const stop = duration.startTimer()
      return ({ operation, decision, reason }) => {
        const label = operationLabel(operation)
        inFlight.dec()
        stop({ operation: label })
        reviews.inc({
          operation: label,
          decision,
          reason: reason === undefined ? 'none' : reasonLabel(reason),
        })
      }
    },
    claimsFrom: (given) => {
      source = given
    },
    webhookProbe: (reached) => probe.set(reached ? 1 : 0),
    turnedAway: (what) => turnedAway.inc({ what }),
    claimDisregarded: () => disregarded.inc(),
  }
}
