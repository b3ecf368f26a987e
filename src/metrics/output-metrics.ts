import { Counter, Gauge, type Registry } from 'prom-client'
import { oneOf } from './labels.ts'

export type OutputMetrics = {
  /** Counts a write of a ClusterSPIFFEID: created, adopted, changed, repaired, replaced or deleted. */
  readonly outputWritten: (action: string) => void
  /** The numbers of bindings that keep another trust domain or class than the configured one, read at each scrape. */
  readonly keptSettingsFrom: (
    source: () => { readonly trustDomain: number; readonly className: number },
  ) => void
}

export function outputMetrics(registers: Registry[]): OutputMetrics {
  const action = oneOf(['created', 'adopted', 'changed', 'repaired', 'replaced', 'deleted'])
  let source: Parameters<OutputMetrics['keptSettingsFrom']>[0] | undefined
  const writes = new Counter({
    name: 'kleym_clusterspiffeid_writes_total',
    help: 'Writes to ClusterSPIFFEIDs that took effect.',
    labelNames: ['action'] as const,
    registers,
  })
  const kept = new Gauge({
    name: 'kleym_identity_bindings_held',
    help: 'InferenceIdentityBindings whose ClusterSPIFFEIDs keep another trust domain or class than the configured one.',
    labelNames: ['setting'] as const,
    registers,
    collect: () => {
      const { trustDomain, className } = source?.() ?? { trustDomain: 0, className: 0 }
      kept.set({ setting: 'trust_domain' }, trustDomain)
      kept.set({ setting: 'class' }, className)
    },
  })
  return {
    outputWritten: (name) => writes.inc({ action: action(name) }),
    keptSettingsFrom: (given) => {
      source = given
    },
  }
}
