import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { sliceMs } from '../../src/core/slices.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'

/** The samples of our own metrics, by name and labels. */
async function samples(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('kleym_'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

test('the metrics of the process are there, in the text format of Prometheus', async () => {
  const metrics = createMetrics(systemTurns)
  expect(metrics.contentType).toContain('text/plain; version=0.0.4')
  expect(await metrics.text()).toContain('\nprocess_cpu_seconds_total ')
})

test('outcomes are counted by condition, reason and mode', async () => {
  const metrics = createMetrics(systemTurns)
  metrics.bindingOutcome({ condition: 'Ready', reason: 'Reconciled', mode: 'PoolOnly' })
  metrics.bindingOutcome({ condition: 'Ready', reason: 'Reconciled', mode: 'PoolOnly' })
  metrics.bindingOutcome({ condition: 'Conflict', reason: 'IdentityCollision', mode: undefined })
  const found = await samples(metrics)
  const name = 'kleym_identity_binding_outcomes_total'
  expect(found.get(`${name}{condition="Ready",reason="Reconciled",mode="PoolOnly"}`)).toBe(2)
  expect(found.get(`${name}{condition="Conflict",reason="IdentityCollision",mode="PerObjective"}`)).toBe(1)
})

test('bindings are counted at the scrape: a group that emptied is gone, equal labels add up', async () => {
  const metrics = createMetrics(systemTurns)
  const ready = { condition: 'Ready', reason: 'Reconciled', mode: 'PoolOnly' }
  let now = [ready, ready, ready]
  metrics.bindingsFrom(() => now)
  expect(
    (await samples(metrics)).get(
      'kleym_identity_bindings{condition="Ready",reason="Reconciled",mode="PoolOnly"}',
    ),
  ).toBe(3)
  now = ['x', 7].map((mode) => ({ condition: 'Ready', reason: 'Initializing', mode: String(mode) }))
  const found = [...(await samples(metrics))].filter(([name]) => name.startsWith('kleym_identity_bindings{'))
  expect(found).toEqual([
    ['kleym_identity_bindings{condition="Ready",reason="Initializing",mode="unsupported"}', 2],
  ])
})

test('a scrape of many bindings and outputs leaves the event loop to others meanwhile', async () => {
  let [elapsed, turns] = [0, 0]
  const metrics = createMetrics({
    now: () => (elapsed += sliceMs / 2),
    next: () => Promise.resolve((turns += 1)),
  })
  metrics.bindingsFrom(() =>
    Array.from({ length: 100 }, () => ({ condition: 'Ready', reason: 'Reconciled', mode: 'PoolOnly' })),
  )
  metrics.outputsFrom(() => Array.from({ length: 100 }, () => 'entries'))
  const found = await samples(metrics)
  // A hundred of either alone would take 50.
  expect(turns).toBeGreaterThan(50)
  expect(found.get('kleym_identity_bindings{condition="Ready",reason="Reconciled",mode="PoolOnly"}')).toBe(
    100,
  )
  expect(found.get('kleym_clusterspiffeids{state="entries"}')).toBe(100)
})

test('a review is in flight until it is answered, then counted and timed', async () => {
  const metrics = createMetrics(systemTurns)
  const finished = metrics.reviewStarted()
  metrics.reviewStarted()
  expect((await samples(metrics)).get('kleym_admission_reviews_in_flight')).toBe(2)
  finished({ operation: 'CREATE', decision: 'deny', reason: 'IdentityCollision' })
  const found = await samples(metrics)
  expect(found.get('kleym_admission_reviews_in_flight')).toBe(1)
  expect(
    found.get('kleym_admission_reviews_total{operation="CREATE",decision="deny",reason="IdentityCollision"}'),
  ).toBe(1)
  expect(found.get('kleym_admission_review_duration_seconds_count{operation="CREATE"}')).toBe(1)
  const bounds = [...found.keys()].flatMap(
    (name) => /review_duration_seconds_bucket\{le="([^"]+)"/.exec(name)?.[1] ?? [],
  )
  expect([bounds[0], bounds.at(-2)]).toEqual(['0.001', '10'])
})

test('what is asked at the scrape is as it is then', async () => {
  const metrics = createMetrics(systemTurns)
  let depth = 4
  let lags = [{ resource: 'inferencepools', seconds: 2, restarts: 1 }]
  let runs = 32
  metrics.queueDepthFrom(() => depth)
  metrics.runsAllowedFrom(() => runs)
  metrics.reflectorsFrom(() => lags)
  const before = await samples(metrics)
  depth = 0
  runs = 4
  lags = []
  const after = await samples(metrics)
  expect([before, after].map((found) => found.get('kleym_queue_depth'))).toEqual([4, 0])
  expect([before, after].map((found) => found.get('kleym_reconcile_runs_allowed'))).toEqual([32, 4])
  for (const [name, values] of [
    ['kleym_reflector_lag_seconds{resource="inferencepools"}', [2, undefined]],
    ['kleym_reflector_restarts{resource="inferencepools"}', [1, undefined]],
  ] as const)
    expect([before, after].map((found) => found.get(name))).toEqual(values)
})

test('the rest of what happens is recorded', async () => {
  const metrics = createMetrics(systemTurns)
  metrics.reconciled('retry', 0.02)
  metrics.apiRequest('GET', 200)
  metrics.apiRequest('PUT', undefined)
  metrics.leading(true)
  metrics.outputWritten('repaired')
  metrics.outputWritten('made up')
  metrics.keptSettingsFrom(() => ({ trustDomain: 3, className: 0 }))
  metrics.webhookProbe(true)
  metrics.certificateExpires('webhook', new Date(1_800_000_000_000))
  const found = await samples(metrics)
  for (const [name, value] of [
    ['kleym_reconcile_duration_seconds_sum{result="retry"}', 0.02],
    ['kleym_api_requests_total{method="GET",code="200"}', 1],
    ['kleym_api_requests_total{method="PUT",code="0"}', 1],
    ['kleym_leader', 1],
    ['kleym_clusterspiffeid_writes_total{action="repaired"}', 1],
    ['kleym_clusterspiffeid_writes_total{action="other"}', 1],
    ['kleym_identity_bindings_held{setting="trust_domain"}', 3],
    ['kleym_identity_bindings_held{setting="class"}', 0],
    ['kleym_webhook_probe_success', 1],
    ['kleym_certificate_expiry_timestamp_seconds{certificate="webhook"}', 1_800_000_000],
  ] as const) {
    expect({ name, value: found.get(name) }).toEqual({ name, value })
  }
  metrics.leading(false)
  expect((await samples(metrics)).get('kleym_leader')).toBe(0)
})

test('whatever is sent, the number of series is bounded', async () => {
  const metrics = createMetrics(systemTurns)
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.anything(), fc.double(), (condition, reason, mode, code) => {
      metrics.bindingOutcome({ condition, reason, mode })
      metrics.reviewStarted()({ operation: condition, decision: 'deny', reason })
      metrics.apiRequest(condition, code)
    }),
    { numRuns: 2_000 },
  )
  const names = [...(await samples(metrics)).keys()]
  const series = (name: string): number => names.filter((sample) => sample.startsWith(`${name}{`)).length
  expect(series('kleym_identity_binding_outcomes_total')).toBeLessThanOrEqual(65 * 3)
  expect(series('kleym_admission_reviews_total')).toBe(65)
  expect(series('kleym_api_requests_total')).toBeLessThanOrEqual(10)
})
