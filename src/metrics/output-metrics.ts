import { Counter, Gauge, type Registry } from 'prom-client'
import { oneOf } from './labels.ts'

export type OutputMetrics = {
  /** Counts a write of a ClusterSPIFFEID: created, adopted, changed, repaired, replaced or deleted. */
  readonly outputWritten: (action: string) => void
  /** The numbers of bindings that keep another trust domain or class than the configured one, read at each scrape. */
  readonly heldFrom: (source: () => { readonly trustDomain: number; readonly className: number }) => void
}

export function outputMetrics(registers: Registry[]): OutputMetrics {
  const action = oneOf(['created', 'adopted', 'changed', 'repaired', 'replaced', 'deleted'])
  let source: Parameters<OutputMetrics['heldFrom']>[0] | undefined
  const writes = new Counter({
    name: 'kleym_clusterspiffeid_writes_total',
    help: 'Writes to ClusterSPIFFEIDs that took effect.',
    labelNames: ['action'] as const,
    registers,
  })
  const held = new Gauge({
    name: 'kleym_identity_bindings_held',
    help: 'InferenceIdentityBindings whose ClusterSPIFFEIDs keep another trust domain or class than the configured one.',
    labelNames: ['setting'] as const,
    registers,
    collect: () => {
      const { trustDomain, className } = source?.() ?? { trustDomain: 0, className: 0 }
      held.set({ setting: 'trust_domain' }, trustDomain)
      held.set({ setting: 'class' }, className)
    },
  })
  return {
    outputWritten: (name) => writes.inc({ action: action(name) }),
    heldFrom: (given) => {
      source = given
    },
  }
}
