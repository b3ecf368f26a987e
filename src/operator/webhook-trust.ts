import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { usualLives, type Lives, type Source, type Trusted } from '../../certs/certificates.ts'
import { fromFiles } from '../../certs/files.ts'
import type { Names } from '../../certs/inspect.ts'
import type { WebhookAddress } from '../../certs/registration.ts'
import { secretAccess } from '../../certs/secret.ts'
import { ensureCertificates } from '../../certs/store.ts'
import { tokensFrom, type TokenSource } from '../../certs/token.ts'
import { Trust } from '../../certs/trust.ts'
import type { Config, WebhookNames } from '../config.ts'
import { eventAbout } from '../core/event.ts'
import type { JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import { eventResource, secretResource } from '../core/resources.ts'
import type { Client } from '../kube/client.ts'
import { createObjects } from '../kube/objects.ts'
import { Reflector } from '../kube/reflector.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { AcceptedTokens } from '../webhook/token.ts'
import { configurationsOf, registered } from './webhook-configurations.ts'

const addressOf = (url: string | undefined): WebhookAddress =>
  url === undefined ? { kind: 'service' } : { kind: 'url', url }

/** The name that the API server checks the certificate against. Certificates of other issuers need only this name. */
function calledBy(...called: Parameters<typeof namesFor>): Names {
  const { dnsNames, ipAddresses } = namesFor(...called)
  return { dnsNames: dnsNames.slice(0, 1), ipAddresses }
}

/** The names that our own certificates are for. */
export function namesFor(address: WebhookAddress, namespace: string, serviceName: string): Names {
  if (address.kind === 'service') {
    const service = `${serviceName}.${namespace}`
    return { dnsNames: [`${service}.svc`, `${service}.svc.cluster.local`, service], ipAddresses: [] }
  }
  // The dot at the end of an absolute name is removed: certificates do not contain it, and clients remove it before
  // they check.
  const host = new URL(address.url).hostname.replaceAll(/[[\]]/g, '').replace(/\.$/, '')
  return isIP(host) === 0 ? { dnsNames: [host], ipAddresses: [] } : { dnsNames: [], ipAddresses: [host] }
}

type Options = {
  readonly objects: Objects
  readonly namespace: string
  readonly names: WebhookNames
  readonly address: WebhookAddress
  readonly log: Log
  readonly lives?: Lives | undefined
}

/** The operator's own CA and leaf, in a Secret that all replicas share. */
function selfManaged({
  objects,
  namespace,
  names: { secret: name, service },
  address,
  log,
  lives = usualLives,
}: Options): Source {
  const secret = secretAccess(objects, { namespace, name })
  const names = namesFor(address, namespace, service)
  const replaced = (why: string): void => {
    // The Event may fail: its text is in the log, too.
    void objects.create(eventResource, replacedEvent({ namespace, name }, why, new Date()))
  }
  return (view) => ensureCertificates({ secret, names, now: () => new Date(), log, view, lives, replaced })
}

/** The tokens are kept in this Secret even if the certificates come from another issuer. */
const tokens = ({ objects, namespace, names, log, lives = usualLives }: Options): TokenSource =>
  tokensFrom({
    secret: secretAccess(objects, { namespace, name: names.secret }),
    now: () => new Date(),
    log,
    lives,
  })

const replacedEvent = (
  secret: { readonly namespace: string; readonly name: string },
  why: string,
  now: Date,
): JsonObject =>
  eventAbout({
    regarding: { resource: secretResource, ...secret },
    type: 'Warning',
    reason: 'WebhookCertificateReplaced',
    note: `the webhook certificates were made anew: ${why}`,
    suffix: randomUUID(),
    now,
    instance: hostname(),
  })

/** Certificates of another issuer, in the files that cert-manager mounts. */
const mounted = (
  directory: string,
  { namespace, names, address, log, lives = usualLives }: Options,
): Source =>
  fromFiles({
    directory,
    names: calledBy(address, namespace, names.service),
    now: () => new Date(),
    log,
    lives,
  })

type TrustSurroundings = {
  readonly config: Pick<Config, 'namespace' | 'webhook'>
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly metrics: Pick<Metrics, 'certificateExpires'>
  /** Called with the expiry of the certificates in use. */
  readonly expires: (at: Readonly<Record<string, Date>>) => void
  readonly log: Log
  readonly lives?: Lives
}

/** Keeps the served certificate and token and the registered ones in step. */
export function createTrust(
  { config, client, metrics, expires, log, lives }: TrustSurroundings,
  known: AcceptedTokens,
  use: (pair: Trusted['pair']) => Promise<void>,
): Trust {
  const { namespace } = config
  const { certDir, names } = config.webhook
  const address = addressOf(config.webhook.url)
  const source = { objects: createObjects(client), namespace, names, address, log, lives }
  return new Trust({
    log,
    use,
    certificates: certDir === undefined ? selfManaged(source) : mounted(certDir, source),
    tokens: tokens(source),
    accept: (accepted) => known.accept(accepted),
    registered: registered(source),
    names: calledBy(address, namespace, names.service),
    observe: ({ authority, webhook }) => {
      expires({ authority, webhook })
      metrics.certificateExpires('authority', authority)
      metrics.certificateExpires('webhook', webhook)
    },
  })
}

/** Watches the configurations and the Secret, so that a change by somebody else is repaired at once. */
export function watchTrust(
  { config, client, log }: Pick<TrustSurroundings, 'config' | 'client' | 'log'>,
  changed: () => void,
): readonly Reflector[] {
  const { names } = config.webhook
  return [
    ...configurationsOf(names),
    { resource: secretResource, name: names.secret, namespace: config.namespace },
  ].map(
    ({ name, resource, ...at }) =>
      new Reflector({
        client,
        resource,
        ...at,
        fieldSelector: `metadata.name=${name}`,
        handler: { upserted: changed, removed: changed, synced: () => {} },
        log,
      }),
  )
}
