import { Gauge, Histogram, type Registry } from 'prom-client'
import { seconds } from './labels.ts'

export type LoopMetrics = {
  /** Notes how one run for a binding ended and how many seconds it took. */
  readonly reconciled: (result: 'settled' | 'wait' | 'retry' | 'error', seconds: number) => void
  /** The number of bindings that wait to be reconciled, read at each scrape. */
  readonly queueDepthFrom: (source: () => number) => void
  /** How many runs the loop may have under way at once, read at each scrape. */
  readonly runsAllowedFrom: (source: () => number) => void
  readonly leading: (leads: boolean) => void
}

export function loopMetrics(registers: Registry[]): LoopMetrics {
  let source: (() => number) | undefined
  let runsAllowed: (() => number) | undefined
  const duration = new Histogram({
    name: 'kleym_reconcile_duration_seconds',
    help: 'Seconds that one reconcile of one InferenceIdentityBinding took.',
    labelNames: ['result'] as const,
    buckets: seconds,
    registers,
  })
  const queue: Gauge = new Gauge({
    name: 'kleym_queue_depth',
    help: 'InferenceIdentityBindings that wait to be reconciled.',
    registers,
    collect: () => {
      queue.set(source?.() ?? 0)
    },
  })
  const runs: Gauge = new Gauge({
    name: 'kleym_reconcile_runs_allowed',
    help: 'Reconciles that may be under way at once: the fewer, the longer the API server takes to answer them; 0 where this replica does not lead.',
    registers,
    collect: () => {
      runs.set(runsAllowed?.() ?? 0)
    },
  })
  const leader = new Gauge({
    name: 'kleym_leader',
    help: 'Whether this replica reconciles.',
    registers,
  })
  return {
    reconciled: (result, lasted) => duration.observe({ result }, lasted),
    queueDepthFrom: (given) => {
      source = given
    },
    runsAllowedFrom: (given) => {
      runsAllowed = given
    },
    leading: (leads) => leader.set(leads ? 1 : 0),
  }
}
