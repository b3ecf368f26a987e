import { Counter, Gauge, type Registry } from 'prom-client'
import { fates, type Fate } from '../core/output-stats.ts'

/** Metrics about pods and about what SPIRE Controller Manager made of our outputs. */
export type WorkloadMetrics = {
  /** Counts a review's look at the pods of its binding. */
  readonly podsLookedAt: (look: 'complete' | 'partial' | 'forbidden' | 'failed') => void
  /** The fate of each ClusterSPIFFEID of ours, read at each scrape. */
  readonly outputsFrom: (source: () => Iterable<Fate>) => void
}

export function workloadMetrics(registers: Registry[]): WorkloadMetrics {
  let source: Parameters<WorkloadMetrics['outputsFrom']>[0] | undefined
  const outputs = new Gauge({
    name: 'kleym_clusterspiffeids',
    help: 'ClusterSPIFFEIDs of InferenceIdentityBindings by what SPIRE Controller Manager made of them.',
    labelNames: ['state'] as const,
    registers,
    collect: () => {
      for (const state of fates) outputs.set({ state }, 0)
      for (const state of source?.() ?? []) outputs.inc({ state })
    },
  })
  const looks = new Counter({
    name: 'kleym_admission_pod_lists_total',
    help: 'Admission reviews that looked at the pods of their binding, by what they saw of them.',
    labelNames: ['result'] as const,
    registers,
  })
  return {
    podsLookedAt: (result) => looks.inc({ result }),
    outputsFrom: (given) => {
      source = given
    },
  }
}
