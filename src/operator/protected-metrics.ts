import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { field, objectOr } from '../core/json.ts'
import type { Client } from '../kube/client.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Authorization } from '../serving/authorizations.ts'
import { startMetricsServer, type ServingCertificate } from '../serving/metrics-server.ts'

export type MetricsOptions = {
  readonly config: Pick<Config, 'metrics'> & { readonly webhook: Pick<Config['webhook'], 'address'> }
  readonly client: Pick<Client, 'call'>
  readonly metrics: Metrics
  readonly log: Log
  /** Makes a certificate that nobody has signed; `selfSigned` unless given. */
  readonly selfSign?: () => Promise<ServingCertificate>
}

export type ProtectedMetrics = {
  /**
   * Serves metrics with the webhook's certificate, so that one CA verifies both. No effect if the metrics have
   * certificate files of their own.
   */
  readonly presentAsWebhook: (pair: ServingCertificate) => void
  readonly close: () => Promise<void>
}

/** Serves `/metrics` as the former operator does: over HTTPS, to tokens whose owner may GET that path. */
export async function startMetrics({
  config,
  client,
  metrics,
  log,
  selfSign = selfSigned,
}: MetricsOptions): Promise<ProtectedMetrics> {
  const { address, secure, certificate } = config.metrics
  if (!address) return { presentAsWebhook: () => {}, close: () => Promise.resolve() }
  if (!secure) {
    const { close } = await startMetricsServer({ ...address, metrics, log })
    return { presentAsWebhook: () => {}, close }
  }
  const followsWebhook = config.webhook.address !== undefined && !certificate
  const server = await startMetricsServer({
    ...address,
    metrics,
    log,
    tls: certificate ? await readPair(certificate) : followsWebhook ? 'later' : await selfSign(),
    authorize: (token) => authorize(client, token),
  })
  const reload =
    certificate &&
    setInterval(
      () =>
        void readPair(certificate)
          .then(server.useCertificate)
          .catch((error: unknown) =>
            log.warn({ err: error }, 'the metrics certificate cannot be used; the old one is kept'),
          ),
      reloadEveryMs,
    )
  let isWaiting = followsWebhook
  const standIn = async (): Promise<void> => {
    try {
      const pair = await selfSign()
      if (isWaiting) server.useCertificate(pair)
    } catch (error) {
      log.warn({ err: error }, 'the metrics have no certificate until the webhook has one')
    }
  }
  const standInTimer = followsWebhook ? setTimeout(() => void standIn(), standInAfterMs) : undefined
  return {
    presentAsWebhook: (pair) => {
      if (certificate) return
      isWaiting = false
      clearTimeout(standInTimer)
      server.useCertificate(pair)
    },
    close: () => {
      clearTimeout(standInTimer)
      clearInterval(reload)
      return server.close()
    },
  }
}

/**
 * How often mounted certificate files are read again. kubelet replaces them, and not every file system reports that.
 */
const reloadEveryMs = 60_000

/**
 * How long the webhook has to present its certificate, which takes it a second, before the metrics get one of their own.
 * Making one loads node-forge, 2 MiB that a process keeps.
 */
const standInAfterMs = 10_000

async function readPair({
  directory,
  cert,
  key,
}: NonNullable<Config['metrics']['certificate']>): Promise<ServingCertificate> {
  const [certPem = '', keyPem = ''] = await Promise.all(
    [cert, key].map((name) => readFile(join(directory, name), 'utf8')),
  )
  // node:tls takes an empty file for no certificate and reports no error.
  if (certPem === '' || keyPem === '') throw new Error(`a file in ${directory} is empty`)
  return { cert: certPem, key: keyPem }
}

/**
 * A self-signed certificate, used where the webhook has none for long, and always if there is no webhook. Only clients that
 * skip verification accept it.
 */
async function selfSigned(): Promise<ServingCertificate> {
  const { createAuthority, issueLeaf } = await import('../../certs/authority.ts')
  const now = new Date()
  const authority = await createAuthority({ now, lifetimeDays: 365 })
  const leaf = await issueLeaf(authority, {
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    now,
    lifetimeDays: 365,
  })
  return { cert: leaf.certPem, key: leaf.keyPem }
}

/**
 * Asks the API server who the token belongs to (TokenReview), then whether that user may GET the path
 * (SubjectAccessReview).
 */
async function authorize(client: Pick<Client, 'call'>, token: string): Promise<Authorization> {
  const status = await ask(client, 'authentication.k8s.io', 'TokenReview', 'tokenreviews', { token })
  if (field(status, 'authenticated') !== true) return 'unauthenticated'
  const { username: user, uid, groups, extra } = objectOr(field(status, 'user'))
  const access = await ask(client, 'authorization.k8s.io', 'SubjectAccessReview', 'subjectaccessreviews', {
    user,
    uid,
    groups,
    extra,
    nonResourceAttributes: { path: '/metrics', verb: 'get' },
  })
  return field(access, 'allowed') === true ? 'allowed' : 'forbidden'
}

async function ask(client: Pick<Client, 'call'>, group: string, kind: string, plural: string, spec: object) {
  const answer = await client.call({
    method: 'POST',
    path: `/apis/${group}/v1/${plural}`,
    body: { apiVersion: `${group}/v1`, kind, spec },
  })
  if (answer.kind !== 'ok')
    throw new Error(`${kind}: ${answer.kind === 'lost' ? answer.error.message : answer.message}`)
  return objectOr(objectOr(answer.body)['status'])
}
