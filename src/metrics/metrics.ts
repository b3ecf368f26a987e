import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Turns } from '../core/slices.ts'
import { admissionMetrics, type AdmissionMetrics } from './admission-metrics.ts'
import { bindingMetrics, type BindingMetrics } from './binding-metrics.ts'
import { clusterMetrics, type ClusterMetrics } from './cluster-metrics.ts'
import { loopMetrics, type LoopMetrics } from './loop-metrics.ts'
import { outputMetrics, type OutputMetrics } from './output-metrics.ts'
import { workloadMetrics, type WorkloadMetrics } from './workload-metrics.ts'

export type Metrics = AdmissionMetrics &
  BindingMetrics &
  ClusterMetrics &
  LoopMetrics &
  OutputMetrics &
  WorkloadMetrics & {
    /** Sets the version in the build information. */
    readonly builtAs: (version: string) => void
    readonly text: () => Promise<string>
    readonly contentType: string
  }

/**
 * One registry, with the metrics of the process beside our own.
 *
 * @param turns the event loop, which a scrape that counts thousands of bindings leaves to others now and then
 */
export function createMetrics(turns: Turns): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    builtAs: buildInfo([registry]),
    ...bindingMetrics([registry], turns),
    ...admissionMetrics([registry]),
    ...loopMetrics([registry]),
    ...outputMetrics([registry]),
    ...clusterMetrics([registry]),
    ...workloadMetrics([registry], turns),
  }
}

function buildInfo(registers: Registry[]): Metrics['builtAs'] {
  const info = new Gauge({
    name: 'kleym_build_info',
    help: 'Always 1: which version of the operator this is, and of Node, which runs it.',
    labelNames: ['version', 'node_version'] as const,
    registers,
  })
  return (version) => info.set({ version, node_version: process.versions.node }, 1)
}
