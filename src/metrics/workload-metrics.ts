import { Counter, Gauge, type Registry } from 'prom-client'
import { fates, type Fate } from '../core/output-stats.ts'
import type { Turns } from '../core/slices.ts'
import { tally } from './tally.ts'

/** Metrics about pods and about what SPIRE Controller Manager made of our outputs. */
export type WorkloadMetrics = {
  /** Counts a review's look at the pods of its binding. */
  readonly podsLookedAt: (look: 'complete' | 'partial' | 'forbidden' | 'failed') => void
  /** The fate of each ClusterSPIFFEID of ours, read at each scrape. */
  readonly outputsFrom: (source: () => Iterable<Fate>) => void
}

export function workloadMetrics(registers: Registry[], turns: Turns): WorkloadMetrics {
  let source: Parameters<WorkloadMetrics['outputsFrom']>[0] | undefined
  const outputs = new Gauge({
    name: 'kleym_clusterspiffeids',
    help: 'ClusterSPIFFEIDs of InferenceIdentityBindings by what SPIRE Controller Manager made of them.',
    labelNames: ['state'] as const,
    registers,
    collect: async () => {
      const counted = await tally(source?.() ?? [], (state) => state, turns)
      for (const state of fates) outputs.set({ state }, 0)
      for (const { one: state, count } of counted) outputs.set({ state }, count)
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
