import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { fates, type Fate } from '../core/output-stats.ts'
import { atMost, codeLabel, modeLabel, oneOf } from './metric-labels.ts'

/** What a binding's status says: `Ready`/`Reconciled`, a failure, or `Ready`/`Initializing` before there is one. */
export type BindingOutcome = {
  readonly condition: string
  readonly reason: string
  /** The mode in the spec, which may be any value. */
  readonly mode: unknown
}

export type ReviewResult = {
  readonly operation: string
  readonly decision: 'allow' | 'warn' | 'deny' | 'error'
  /** The reason of its first finding; of a refusal, of the first finding that refuses. */
  readonly reason?: string | undefined
}

export type Metrics = {
  /** Sets the version in the build information. */
  readonly builtAs: (version: string) => void
  readonly text: () => Promise<string>
  readonly contentType: string
  /** Counts an outcome that was written into a binding's status. */
  readonly bindingOutcome: (outcome: BindingOutcome) => void
  /** Asked at each scrape. */
  readonly bindingsFrom: (source: () => readonly (BindingOutcome & { readonly count: number })[]) => void
  /** Notes that a review began. The returned function has to be called once, when the review is answered. */
  readonly reviewStarted: () => (result: ReviewResult) => void
  /** The number of claims on collision keys, read at each scrape. */
  readonly claimsFrom: (source: () => number) => void
  /** Whether the last probe reached the webhook through the API server. */
  readonly webhookProbe: (reached: boolean) => void
  /** Counts a write of a ClusterSPIFFEID: created, adopted, changed, repaired, replaced or deleted. */
  readonly outputWritten: (action: string) => void
  /** The numbers of bindings that keep another trust domain or class than the configured one, read at each scrape. */
  readonly heldFrom: (source: () => { readonly trustDomain: number; readonly className: number }) => void
  /** Counts a call without a token, or a connection over the limit, at the webhook. */
  readonly turnedAway: (what: 'call' | 'connection') => void
  /** Counts a claim that was disregarded because too many claims on its key were never followed by a binding. */
  readonly claimDisregarded: () => void
  /** Counts a review's look at the pods of its binding. */
  readonly podsLookedAt: (look: 'complete' | 'partial' | 'forbidden' | 'failed') => void
  /** The fate of each ClusterSPIFFEID of ours, read at each scrape. */
  readonly outputsFrom: (source: () => Iterable<Fate>) => void
  readonly reconciled: (result: 'settled' | 'wait' | 'retry' | 'error', seconds: number) => void
  /** Asked at each scrape. */
  readonly queueDepthFrom: (source: () => number) => void
  /** Asked at each scrape. `seconds` since each reflector last heard from the API server. */
  readonly reflectorsFrom: (
    source: () => readonly {
      readonly resource: string
      readonly seconds: number
      readonly restarts: number
    }[],
  ) => void
  /** An answer's status code, or undefined when the connection failed. */
  readonly apiRequest: (method: string, code: number | undefined) => void
  readonly leading: (leads: boolean) => void
  readonly certificateExpires: (certificate: 'authority' | 'webhook', at: Date) => void
}

/** From 1 ms to the 10 s after which the API server has long given up on a webhook. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** One registry, with the metrics of the process beside our own. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    builtAs: buildInfo([registry]),
    ...bindingMetrics([registry]),
    ...admissionMetrics([registry]),
    ...loopMetrics([registry]),
    ...outputMetrics([registry]),
    ...clusterMetrics([registry]),
    ...workloadMetrics([registry]),
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

function bindingMetrics(registers: Registry[]): Pick<Metrics, 'bindingOutcome' | 'bindingsFrom'> {
  const labelNames = ['condition', 'reason', 'mode'] as const
  const condition = oneOf(['Ready', 'Conflict', 'InvalidRef', 'UnsafeSelector', 'RenderFailure'])
  const reason = atMost(64)
  const labels = (outcome: BindingOutcome): Record<(typeof labelNames)[number], string> => ({
    condition: condition(outcome.condition),
    reason: reason(outcome.reason),
    mode: modeLabel(outcome.mode),
  })
  let source: Parameters<Metrics['bindingsFrom']>[0] | undefined
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

function admissionMetrics(
  registers: Registry[],
): Pick<Metrics, 'reviewStarted' | 'claimsFrom' | 'webhookProbe' | 'turnedAway' | 'claimDisregarded'> {
  let source: (() => number) | undefined
  const claims: Gauge = new Gauge({
    name: 'kleym_admission_claims',
    help: 'Collision keys that are claimed by a binding on its way in.',
    registers,
    collect: () => {
      claims.set(source?.() ?? 0)
    },
  })
  const operationLabel = oneOf(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'])
  const reasonLabel = atMost(64)
  const reviews = new Counter({
    name: 'kleym_admission_reviews_total',
    help: 'Admission reviews that were answered.',
    labelNames: ['operation', 'decision', 'reason'] as const,
    registers,
  })
  const duration = new Histogram({
    name: 'kleym_admission_review_duration_seconds',
    help: 'From an admission request to its answer.',
    labelNames: ['operation'] as const,
    buckets,
    registers,
  })
  const inFlight = new Gauge({
    name: 'kleym_admission_reviews_in_flight',
    help: 'Admission reviews that are not answered yet.',
    registers,
  })
  const probe = new Gauge({
    name: 'kleym_webhook_probe_success',
    help: 'Whether the last dry run through the API server came back through the webhook; absent before the first.',
    registers,
  })
  // A gauge without labels would be 0 from the start, which is what an alert asks for.
  probe.remove()
  const turnedAway = new Counter({
    name: 'kleym_webhook_turned_away_total',
    help: 'Calls of the webhook without its token, and connections from such addresses that were too many.',
    labelNames: ['what'] as const,
    registers,
  })
  const disregarded = new Counter({
    name: 'kleym_admission_claims_disregarded_total',
    help: 'Claims on collision keys that refused nobody, since too many on the same key were followed by no binding.',
    registers,
  })
  return {
    reviewStarted: () => {
      inFlight.inc()
      const stop = duration.startTimer()
      return ({ operation, decision, reason }) => {
        const label = operationLabel(operation)
        inFlight.dec()
        stop({ operation: label })
        reviews.inc({
          operation: label,
          decision,
          reason: reason === undefined ? 'none' : reasonLabel(reason),
        })
      }
    },
    claimsFrom: (given) => {
      source = given
    },
    webhookProbe: (reached) => probe.set(reached ? 1 : 0),
    turnedAway: (what) => turnedAway.inc({ what }),
    claimDisregarded: () => disregarded.inc(),
  }
}

function loopMetrics(registers: Registry[]): Pick<Metrics, 'reconciled' | 'queueDepthFrom' | 'leading'> {
  let source: (() => number) | undefined
  const duration = new Histogram({
    name: 'kleym_reconcile_duration_seconds',
    help: 'One look at one InferenceIdentityBinding.',
    labelNames: ['result'] as const,
    buckets,
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
  const leader = new Gauge({
    name: 'kleym_leader',
    help: 'Whether this replica reconciles.',
    registers,
  })
  return {
    reconciled: (result, seconds) => duration.observe({ result }, seconds),
    queueDepthFrom: (given) => {
      source = given
    },
    leading: (leads) => leader.set(leads ? 1 : 0),
  }
}

function outputMetrics(registers: Registry[]): Pick<Metrics, 'outputWritten' | 'heldFrom'> {
  const action = oneOf(['created', 'adopted', 'changed', 'repaired', 'replaced', 'deleted'])
  let source: Parameters<Metrics['heldFrom']>[0] | undefined
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

type ClusterMetrics = 'reflectorsFrom' | 'apiRequest' | 'certificateExpires'

function clusterMetrics(registers: Registry[]): Pick<Metrics, ClusterMetrics> {
  const resourceLabel = atMost(16)
  const methodLabel = oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
  let source: Parameters<Metrics['reflectorsFrom']>[0] | undefined
  const lag = new Gauge({
    name: 'kleym_reflector_lag_seconds',
    help: 'Since the API server was last heard of on this watch.',
    labelNames: ['resource'] as const,
    registers,
    collect: () => {
      lag.reset()
      for (const { resource, seconds } of source?.() ?? [])
        lag.set({ resource: resourceLabel(resource) }, seconds)
    },
  })
  const restarts = new Gauge({
    name: 'kleym_reflector_restarts',
    help: 'Lists and watches that ended in another way than they should.',
    labelNames: ['resource'] as const,
    registers,
    collect: () => {
      restarts.reset()
      for (const reflector of source?.() ?? [])
        restarts.set({ resource: resourceLabel(reflector.resource) }, reflector.restarts)
    },
  })
  const requests = new Counter({
    name: 'kleym_api_requests_total',
    help: 'Requests to the API server; code 0 is a failed connection.',
    labelNames: ['method', 'code'] as const,
    registers,
  })
  const expiry = new Gauge({
    name: 'kleym_certificate_expiry_timestamp_seconds',
    help: 'When a certificate of this replica expires.',
    labelNames: ['certificate'] as const,
    registers,
  })
  return {
    reflectorsFrom: (given) => {
      source = given
    },
    apiRequest: (method, code = 0) => requests.inc({ method: methodLabel(method), code: codeLabel(code) }),
    certificateExpires: (certificate, at) => expiry.set({ certificate }, at.getTime() / 1000),
  }
}

/** Metrics about pods and about what SPIRE Controller Manager made of our outputs. */
function workloadMetrics(registers: Registry[]): Pick<Metrics, 'podsLookedAt' | 'outputsFrom'> {
  let source: Parameters<Metrics['outputsFrom']>[0] | undefined
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
