import { Counter, Gauge, type Registry } from 'prom-client'
import { conditionTypes } from '../core/conditions.ts'
import type { Turns } from '../core/slices.ts'
import { atMost, modeLabel, oneOf } from './labels.ts'
import { tally } from './tally.ts'

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
  /** What all bindings' statuses say, counted at each scrape. */
  readonly bindingsFrom: (source: () => Iterable<BindingOutcome>) => void
}

export function bindingMetrics(registers: Registry[], turns: Turns): BindingMetrics {
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
    collect: async () => {
      const all = Iterator.from(source?.() ?? []).map(labels)
      const counted = await tally(all, (one) => Object.values(one).join(), turns)
      bindings.reset()
      for (const { one, count } of counted) bindings.set(one, count)
    },
  })
  return {
    bindingOutcome: (outcome) => outcomes.inc(labels(outcome)),
    bindingsFrom: (given) => {
      source = given
    },
  }
}
