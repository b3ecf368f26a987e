import type { Metrics } from '../../src/metrics/metrics.ts'

/** Has each metric of ours show a sample with all its labels. */
export function exercise(metrics: Metrics): void {
  metrics.builtAs('0.0.0')
  metrics.bindingOutcome({ condition: 'Ready', reason: 'Reconciled', mode: 'PoolOnly' })
  metrics.bindingsFrom(() => [{ condition: 'Ready', reason: 'Reconciled', mode: 'PoolOnly' }])
  metrics.reviewStarted()({ operation: 'CREATE', decision: 'allow' })
  metrics.claimsFrom(() => 1)
  metrics.webhookProbe(true)
  metrics.outputWritten('created')
  metrics.turnedAway('call')
  metrics.claimDisregarded()
  metrics.podsLookedAt('complete')
  metrics.outputsFrom(() => ['entries'])
  metrics.reconciled('settled', 0.01)
  metrics.queueDepthFrom(() => 1)
  metrics.reflectorsFrom(() => [{ resource: 'Pod', seconds: 1, restarts: 0 }])
  metrics.apiRequest('GET', 200)
  metrics.leading(true)
  metrics.certificateExpires('webhook', new Date('2026-01-01T00:00:00Z'))
}
