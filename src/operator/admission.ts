import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lives, Trusted } from '../../certs/certificates.ts'
import { leaseResource } from '../core/resources.ts'
import type { Client } from '../kube/client.ts'
import { createObjects } from '../kube/objects.ts'
import { Reflector } from '../kube/reflector.ts'
import type { HealthCheck } from '../serving/probes.ts'
import { claimLabel } from '../webhook/claim.ts'
import { startWebhookServer, type WebhookServer } from '../webhook/server.ts'
import { AcceptedTokens } from '../webhook/token.ts'
import { listsCheck, staleness } from './knowledge.ts'
import { createProbe, tryWay } from './probe.ts'
import { routesOf, type RoutesOptions } from './routes.ts'
import { createTrust, watchTrust } from './webhook-trust.ts'

type AdmissionOptions = RoutesOptions & {
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly isLeading: () => boolean
  readonly shownTokens: ShownTokens
  /** Called with each certificate that the webhook begins to serve with. */
  readonly presents: (pair: Trusted['pair']) => void
  /** How long the operator's own certificates live. Tests shorten it. */
  readonly lives?: Lives
}

type AdmissionService = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  readonly checks: () => readonly HealthCheck[]
  /** When the certificates in use expire. */
  readonly certificates: () => Readonly<Record<string, Date>>
}

/**
 * Tokens that the API server has shown to users: its message about a failed call contains the URL, and so the token.
 */
export type ShownTokens = Set<string>

const switchedOff: AdmissionService = {
  start: () => {},
  stop: () => Promise.resolve(),
  checks: () => [],
  certificates: () => ({}),
}

/** How long a Service may still lead to this replica after its readiness probe has failed. */
const endpointsMoveOnMs = 10_000

/** How long clients that still call are asked to close their connections, before the connections are cut. */
const drainLimits = { quietMs: 1000, longestMs: 5000 }

/** How often the leader looks for claims that are no longer needed. */
const collectEveryMs = 10_000

/** How long the start waits at most to learn whether calls fail: as long as the API server waits for a webhook. */
const outageShowsMs = 5000

/** Serves the webhook, with certificates and a token that are kept registered with the API server. */
export function createAdmission(options: AdmissionOptions): AdmissionService {
  const { config, client, reservations, isLeading, metrics, shownTokens, log } = options
  metrics.claimsFrom(() => reservations.size)
  const listen = config.webhook.address
  if (!listen) return switchedOff
  const { namespace } = config
  const routes = routesOf(options, createObjects(client))
  const known = new AcceptedTokens()
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
      // The token is not renewed while the outage lasts, because the API server would show the new one to users, too.
      if (reached) for (const token of shownTokens) trust.replaceToken(token)
      if (reached) shownTokens.clear()
    },
  })
  let collecting: NodeJS.Timeout | undefined
  let isStopped = false
  const begin = async (): Promise<void> => {
    // The first answer of one of these watches makes this replica serve. Whether calls failed before, so that users
    // were shown the token, can only be found out until then.
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
      await Promise.all([server?.drain(drainLimits), moved])
      await server?.close()
      await quiet
    },
    checks: () => [
      { name: 'webhook', problem: server ? undefined : 'not served yet' },
      { name: 'certificates', problem: trust.problem },
      { name: 'registration', problem: trust.remark, informs: true },
      { name: 'claims', problem: claims.synced ? undefined : 'waiting for Lease' },
      { name: 'binding-watch', problem: staleness(options.feed) },
      listsCheck(options.feed),
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

const caOf = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : readFile(file, 'utf8')
