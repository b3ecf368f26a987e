import { leaseResource } from '../core/resources.ts'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lives, Trusted } from '../../certs/certificates.ts'
import type { Config } from '../config.ts'
import { rules } from '../core/findings.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects } from '../core/objects.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Courtesy } from './courtesy.ts'
import type { Feed } from './feed.ts'
import type { Client } from '../kube/client.ts'
import { createObjects } from '../kube/objects.ts'
import { listRememberedPods } from '../kube/pods.ts'
import { Reflector } from '../kube/reflector.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../serving/metrics.ts'
import { createProbe, probeAnswer, tryWay } from './probe.ts'
import type { Check } from '../serving/probes.ts'
import { liveLists, liveReads, warnsOnly } from './reads.ts'
import { createTrust, watchTrust } from './webhook-trust.ts'
import { claimLabel } from '../webhook/claim.ts'
import type { ReadLive } from '../webhook/live.ts'
import { judgingReferences } from '../webhook/references.ts'
import { usualStaleMs, type Reservations } from '../webhook/reservations.ts'
import { mutating, validating } from '../webhook/review.ts'
import {
  startWebhookServer,
  type AdmissionRequest,
  type Review,
  type WebhookServer,
} from '../webhook/server.ts'
import { Undecided } from '../webhook/undecided.ts'
import { Tokens } from '../webhook/token.ts'
import { blind, createPodLookup } from '../webhook/workloads.ts'

type AdmissionOptions = {
  readonly config: Config
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly inventory: Inventory
  readonly reservations: Reservations
  readonly isLeading: () => boolean
  /** What every answer warns of, whatever it is about. */
  readonly notices: () => readonly string[]
  readonly feed: Pick<Feed, 'unsynced' | 'halted' | 'silence' | 'settled'>
  readonly courtesy: Pick<Courtesy, 'reviewStarted'>
  readonly metrics: Metrics
  readonly shownTokens: ShownTokens
  /** Told of the certificate that the webhook serves with from now on. */
  readonly presents: (pair: Trusted['pair']) => void
  readonly log: Log
  /** How long the operator's own certificates live; tests have no years to wait. */
  readonly lives?: Lives
}

export type Admission = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  readonly checks: () => readonly Check[]
  /** When the certificates in use expire. */
  readonly certificates: () => Readonly<Record<string, Date>>
}

/** Tokens that the API server has shown us, and so others: it says the URL of a call that failed. */
export type ShownTokens = Set<string>

const switchedOff: Admission = {
  start: () => {},
  stop: () => Promise.resolve(),
  checks: () => [],
  certificates: () => ({}),
}

/** How long endpoints may still lead here after this replica has said that it is not ready. */
const endpointsMoveOnMs = 10_000

/** How long those who still call are asked to leave, before whoever does not is cut off. */
const drainPatience = { quietMs: 1000, longestMs: 5000 }

/** The webhook with its certificates: serving, trusted by the API server, and kept so. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { config, client, reservations, isLeading, metrics, shownTokens, log } = options
  metrics.claimsFrom(() => reservations.size)
  const listen = config.webhook.address
  if (!listen) return switchedOff
  const { namespace } = config
  const routes = routesOf(options, createObjects(client))
  const known = new Tokens()
  let server: WebhookServer | undefined
  let expiry: Readonly<Record<string, Date>> = {}
  const trust = createTrust({ ...options, expires: (at) => (expiry = at) }, known, async (pair) => {
    options.presents(pair)
    if (server) return server.setCertificate(pair)
    const tls = { ...pair, clientCa: await caOf(config.webhook.clientCa) }
    server = await startWebhookServer({
      ...listen,
      routes,
      admits: known.admits,
      log,
      tls,
      turnedAway: metrics.turnedAway,
    })
    log.info({ port: server.port }, 'the webhook is served')
  })
  const claims = watchClaims(options)
  const trustWatches = watchTrust(options, () => trust.refresh())
  const probe = createProbe({
    client,
    namespace,
    report: (reached) => {
      metrics.webhookProbe(reached)
      // Not while the outage lasts: the next token would be shown like the one before.
      if (reached) for (const token of shownTokens) trust.replaceToken(token)
      if (reached) shownTokens.clear()
    },
  })
  let collecting: NodeJS.Timeout | undefined
  let isStopped = false
  const begin = async (): Promise<void> => {
    // Whether users are being shown the token at this moment, since nobody serves, can't be told any more once we do,
    // which the first answer of one of these watches brings about.
    await Promise.race([tryWay({ client, namespace }), sleep(outageShowsMs)])
    if (isStopped) return
    for (const watch of trustWatches) watch.start()
    trust.refresh()
    probe.start()
  }
  return {
    start: () => {
      claims.start()
      void begin()
      collecting = setInterval(() => {
        if (isLeading()) void reservations.collect()
      }, collectEveryMs)
    },
    stop: async () => {
      isStopped = true
      clearInterval(collecting)
      probe.stop()
      const quiet = Promise.all([trust, claims, ...trustWatches].map((one) => one.stop()))
      const moved = config.webhook.url === undefined ? sleep(endpointsMoveOnMs) : quiet
      await Promise.all([server?.drain(drainPatience), moved])
      await server?.close()
      await quiet
    },
    checks: () => [
      { name: 'webhook', problem: server ? undefined : 'not served yet' },
      { name: 'certificates', problem: trust.problem },
      { name: 'registration', problem: trust.remark, informs: true },
      { name: 'claims', problem: claims.synced ? undefined : 'waiting for Lease' },
      { name: 'bindings', problem: staleness(options.feed) },
      { name: 'probe', problem: probe.problem(), informs: true },
    ],
    certificates: () => expiry,
  }
}

function watchClaims({ config, client, reservations, log }: AdmissionOptions): Reflector {
  return new Reflector({
    client,
    resource: leaseResource,
    namespace: config.namespace,
    labelSelector: `${claimLabel}=true`,
    handler: {
      upserted: (lease) => reservations.observed(lease),
      removed: ({ name }) => reservations.forgotten(name),
      synced: () => {},
    },
    log,
  })
}

/** A replica that has not heard of bindings for this long might allow what another one has given away. */
const staleness = (feed: Pick<Feed, 'silence'>): string | undefined => {
  const silence = feed.silence()
  if (silence <= usualStaleMs / 2) return undefined
  const since = Number.isFinite(silence) ? ` for ${Math.round(silence / 1000)} s` : ' yet'
  return `nothing was heard of InferenceIdentityBindings${since}`
}

/** Why nothing can be decided at this moment. */
function ignoranceOf(feed: AdmissionOptions['feed']): string | undefined {
  const [unknown] = feed.unsynced()
  return feed.halted() ?? (unknown === undefined ? staleness(feed) : `${unknown} has not been listed yet`)
}

/** How often the leader looks for claims that have served their time. */
const collectEveryMs = 10_000

/** How long the start waits at most to be told that calls fail: as long as the API server waits for a webhook. */
const outageShowsMs = 5000

const caOf = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : readFile(file, 'utf8')

/** By the first label of the webhooks' names in deploy/webhook. */
function routesOf(
  { config, client, inventory, reservations, feed, courtesy, notices, metrics, log }: AdmissionOptions,
  objects: Objects,
): Readonly<Record<string, Review>> {
  const read = (signal: AbortSignal): ReadLive => liveReads(objects, signal)
  const isLenient = (namespace: string, signal: AbortSignal): Promise<boolean> =>
    warnsOnly(objects, namespace, signal)
  const lookAtPods = createPodLookup({
    list: (...page) => listRememberedPods(client, ...page),
    fallbacks: () => inventory.fallbacks(),
    settings: inventory.settings,
    now: () => performance.now(),
    observe: metrics.podsLookedAt,
    warn: log.warn,
  })
  const reach = {
    world: inventory,
    read,
    isLenient,
    notices,
    actions: config.webhook.actions.overrides,
    reserve: (...claim: Parameters<Reservations['reserve']>) => reservations.reserve(...claim),
    lookAtPods: config.webhook.workloads ? lookAtPods : blind,
    observe: (request: AdmissionRequest, verdict: Verdict) => logDenial(log, request, verdict),
  }
  const guarded =
    (review: Review): Review =>
    async (request, signal) => {
      const probed = probeAnswer(request, config)
      if (probed) return probed
      const answered = metrics.reviewStarted()
      const isOver = courtesy.reviewStarted()
      let decision: 'allow' | 'warn' | 'deny' | 'error' = 'error'
      let reason: string | undefined
      try {
        const ignorance = ignoranceOf(feed)
        if (ignorance !== undefined) throw new Undecided(ignorance)
        await feed.settled(request.namespace)
        const response = await review(request, signal)
        reason = response.auditAnnotations['reasons']?.split(',')[0]
        decision = response.kind === 'denied' ? 'deny' : response.warnings.length > 0 ? 'warn' : 'allow'
        return response
      } finally {
        isOver()
        answered({ operation: request.operation, decision, reason })
      }
    }
  return {
    validate: guarded(validating(reach)),
    mutate: guarded(mutating(reach)),
    references: guarded(
      judgingReferences({
        inventory,
        read,
        list: (signal) => liveLists(client, signal),
        actions: config.webhook.actions,
        isLenient,
        notices,
        refused: (request, reasons) => logRefusal(log, request, reasons),
      }),
    ),
  }
}

/** One line a denial: who, what, why. */
function logDenial(log: Log, request: AdmissionRequest, { verdict, findings }: Verdict): void {
  if (verdict !== 'deny') return
  const reasons = findings.filter(({ action }) => action === 'deny').map(({ rule }) => rules[rule].reason)
  logRefusal(log, request, reasons)
}

function logRefusal(log: Log, request: AdmissionRequest, reasons: readonly string[]): void {
  const { uid, operation, namespace, name, user, dryRun, kind } = request
  const fields = { uid, operation, kind: kind.kind, namespace, name, user: user.username, dryRun, reasons }
  log.info(fields, 'denied')
}
