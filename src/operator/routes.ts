import type { Config } from '../config.ts'
import { rules } from '../core/findings.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects } from '../core/objects.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Client } from '../kube/client.ts'
import { listRememberedPods } from '../kube/pods.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { ReviewEnd } from '../webhook/admission-review.ts'
import type { ReadLive } from '../webhook/live.ts'
import { judgingReferences } from '../webhook/references.ts'
import type { Reservations } from '../webhook/reservations.ts'
import { mutating, validating } from '../webhook/review.ts'
import type { AdmissionRequest, Review } from '../webhook/server.ts'
import { Undecided } from '../webhook/undecided.ts'
import { withoutPods, createPodLookup } from '../webhook/workloads.ts'
import type { Feed } from './feed.ts'
import { ignoranceOf } from './knowledge.ts'
import { isLabelledLenient, liveLists, liveReads } from './live-reads.ts'
import { probeAnswer } from './probe.ts'
import type { ReviewsFirst } from './reviews-first.ts'

export type RoutesOptions = {
  readonly config: Config
  readonly client: Pick<Client, 'call'>
  readonly inventory: Inventory
  readonly reservations: Reservations
  /** Warnings that are part of every answer. */
  readonly notices: () => readonly string[]
  readonly feed: Pick<Feed, 'unsynced' | 'halted' | 'silence' | 'takingIn' | 'whenReviewable'>
  readonly reviewsFirst: Pick<ReviewsFirst, 'reviewStarted'>
  readonly metrics: Metrics
  readonly log: Log
}

/** The routes, each named by the first label of a webhook's name in deploy/webhook. */
export function routesOf(options: RoutesOptions, objects: Objects): Readonly<Record<string, Review>> {
  const { config, client, inventory, reservations, notices, metrics, log } = options
  const read = (signal: AbortSignal): ReadLive => liveReads(objects, signal)
  const isLenient = (namespace: string, signal: AbortSignal): Promise<boolean> =>
    isLabelledLenient(objects, namespace, signal)
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
    reserve: (...request: Parameters<Reservations['reserve']>) => reservations.reserve(...request),
    lookAtPods: config.webhook.workloads ? lookAtPods : withoutPods,
    observe: (request: AdmissionRequest, verdict: Verdict) => logDenial(log, request, verdict),
  }
  const guarded = guardedBy(options)
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

/**
 * Puts a review behind what all of them have in common: the operator's own probe is answered without one, nothing is decided
 * while this replica knows too little, other work waits, and the metrics count how it ended.
 */
const guardedBy =
  ({ config, feed, metrics, reviewsFirst }: RoutesOptions) =>
  (review: Review): Review =>
  async (request, signal) => {
    const probed = probeAnswer(request, config)
    if (probed) return probed
    const answered = metrics.reviewStarted()
    const isOver = reviewsFirst.reviewStarted()
    let end: ReviewEnd | { readonly decision: 'error' } = { decision: 'error' }
    try {
      await untilReviewable(request.namespace, feed, signal)
      const response = await review(request, signal)
      end = response.end
      return response
    } finally {
      isOver()
      answered({ operation: request.operation, ...end })
    }
  }

/** Waits until a review may be decided in a namespace. Throws `Undecided` if this replica knows too little, before or after. */
async function untilReviewable(
  namespace: string,
  feed: RoutesOptions['feed'],
  signal: AbortSignal,
): Promise<void> {
  refuseIfIgnorant(feed)
  const reviewable = feed.whenReviewable(namespace, signal)
  if (!reviewable) return
  await reviewable
  signal.throwIfAborted()
  refuseIfIgnorant(feed)
}

function refuseIfIgnorant(feed: RoutesOptions['feed']): void {
  const ignorance = ignoranceOf(feed)
  if (ignorance !== undefined) throw new Undecided(ignorance)
}

/** Logs a denial in one line: who, what and why. */
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
