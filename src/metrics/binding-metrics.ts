import { Counter, Gauge, type Registry } from 'prom-client'
import { conditionTypes } from '../core/conditions.ts'
import { atMost, modeLabel, oneOf } from './labels.ts'

/** What a binding's status says: `Ready`/`Reconciled`, a failure, or `Ready`/`Initializing` before there is one. */
export type BindingOutcome = {
  readonly condition: string
  readonly reason: string
  /** The mode in the spec, which may be any value. */
  readonly mode: unknown
}

export type BindingMetrics = {
  /** Counts an outcome that was written into a binding's status. */
  readonly bindingOutcome: (outcome: BindingOutcome) => void
  /** The numbers of bindings by outcome and mode, read at each scrape. */
  readonly bindingsFrom: (source: () => readonly (BindingOutcome & { readonly count: number })[]) => void
}

export function bindingMetrics(registers: Registry[]): BindingMetrics {
  const labelNames = ['condition', 'reason', 'mode'] as const
  const condition = oneOf(conditionTypes)
  const reason = atMost(64)
  const labels = (outcome: BindingOutcome): Record<(typeof labelNames)[number], string> => ({
    condition: condition(outcome.condition),
    reason: reason(outcome.reason),
    mode: modeLabel(outcome.mode),
  })
  let source: Parameters<BindingMetrics['bindingsFrom']>[0] | undefined
  const outcomes = new Counter({
    name: 'kleym_identity_binding_outcomes_total',
    help: 'Outcomes that were written to the status of InferenceIdentityBindings.',
    labelNames,
    registers,
  })
  const bindings = new Gauge({
    name: 'kleym_identity_bindings',
    help: 'InferenceIdentityBindings by what their status says.',
    labelNames,
    registers,
    collect: () => {
      bindings.reset()
      for (const entry of source?.() ?? []) bindings.inc(labels(entry), entry.count)
    },
  })
  return {
    bindingOutcome: (outcome) => outcomes.inc(labels(outcome)),
    bindingsFrom: (given) => {
      source = given
    },
  }
}
