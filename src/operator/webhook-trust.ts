import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { parseAllDocuments } from 'yaml'
import { usualLives, type Lives, type Source } from '../../certs/certificates.ts'
import { fromFiles } from '../../certs/files.ts'
import type { Names } from '../../certs/inspect.ts'
import { bundlesOf, withTrust, type WebhookAddress } from '../../certs/registration.ts'
import { secretAccess, secretName, secretResource, wordsOf } from '../../certs/secret.ts'
import { ensureCertificates } from '../../certs/store.ts'
import type { Registered } from '../../certs/trust.ts'
import { eventResource } from '../controller/events.ts'
import { isObject, objectOr, type JsonObject } from '../core/json.ts'
import type { Objects, Reply } from '../core/objects.ts'
import type { Resource } from '../core/resources.ts'
import type { Log } from '../log.ts'

export { secretName, secretResource }

const webhookService = 'kleym-operator-webhook-service'

const registration = (kind: string, plural: string, name: string) => ({
  resource: {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind,
    plural,
    namespaced: false,
  } satisfies Resource,
  name,
})

export const registrations = [
  registration(
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    'kleym-validating-webhook-configuration',
  ),
  registration(
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    'kleym-mutating-webhook-configuration',
  ),
] as const

/** The manifests that `deploy` installs; an operator outside the cluster creates them itself. */
const manifests = new URL('../../deploy/webhook/webhooks.yaml', import.meta.url)

export const addressOf = (url: string | undefined): WebhookAddress =>
  url === undefined ? { kind: 'service' } : { kind: 'url', url }

/** The name that the API server checks the certificate against. What others issue need not hold more. */
export function calledBy(address: WebhookAddress, namespace: string): Names {
  const { dnsNames, ipAddresses } = namesFor(address, namespace)
  return { dnsNames: dnsNames.slice(0, 1), ipAddresses }
}

/** The names that our own certificates are for. */
export function namesFor(address: WebhookAddress, namespace: string): Names {
  if (address.kind === 'service') {
    const service = `${webhookService}.${namespace}`
    return { dnsNames: [`${service}.svc`, `${service}.svc.cluster.local`, service], ipAddresses: [] }
  }
  const host = new URL(address.url).hostname.replaceAll(/[[\]]/g, '')
  return isIP(host) === 0 ? { dnsNames: [host], ipAddresses: [] } : { dnsNames: [], ipAddresses: [host] }
}

type Options = {
  readonly objects: Objects
  readonly namespace: string
  readonly address: WebhookAddress
  readonly log: Log
  readonly lives?: Lives | undefined
}

/** The operator's own CA and leaf, in a Secret that all replicas share. */
export function selfManaged({ objects, namespace, address, log, lives = usualLives }: Options): Source {
  const secret = secretAccess(objects, namespace)
  const names = namesFor(address, namespace)
  const replaced = (why: string): void => {
    // An event is best effort: what it says is in the log too.
    void objects.create(eventResource, replacedEvent(namespace, why, new Date()))
  }
  return (view) => ensureCertificates({ secret, names, now: () => new Date(), log, view, lives, replaced })
}

function replacedEvent(namespace: string, why: string, now: Date): JsonObject {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${secretName}.${randomUUID()}`, namespace },
    eventTime: now.toISOString().replace('Z', '000Z'),
    reportingController: 'kleym-operator',
    reportingInstance: hostname(),
    action: 'WebhookCertificateReplaced',
    reason: 'WebhookCertificateReplaced',
    type: 'Warning',
    note: `the webhook certificates were made anew: ${why}`.slice(0, 1000),
    regarding: { apiVersion: 'v1', kind: 'Secret', namespace, name: secretName },
  }
}

/** Somebody else's certificates, as cert-manager mounts them. */
export const mounted = (
  directory: string,
  { namespace, address, log, lives = usualLives }: Options,
): Source => fromFiles({ directory, names: calledBy(address, namespace), now: () => new Date(), log, lives })

/** Reads both webhook configurations. An operator inside the cluster may not create what is missing of them. */
export const registered = (objects: Objects, address: WebhookAddress) => async (): Promise<Registered> => {
  const found = await Promise.all(
    registrations.map(async ({ resource, name }) => {
      const reply = await objects.get(resource, { name })
      const isMissing = reply.kind === 'absent' && address.kind === 'url'
      return { resource, name, isMissing, reply: isMissing ? await manifestOf(resource) : reply }
    }),
  )
  return {
    bundles: found.flatMap(({ reply }) => (reply.kind === 'done' ? bundlesOf(reply.object) : [''])),
    publish: async (caBundle) => {
      let kind: 'standing' | 'written' = 'standing'
      for (const { resource, name, isMissing, reply } of found) {
        const live = reply.kind === 'done' ? withTrust(reply.object, caBundle, address) : undefined
        if (reply.kind === 'done' && !live) continue
        const written = live
          ? await (isMissing ? objects.create(resource, live) : objects.replace(resource, live))
          : reply
        if (written.kind === 'conflict') return { kind: 'overtaken' }
        if (written.kind !== 'done')
          return { kind: 'failed', problem: `${resource.kind} ${name}: ${wordsOf(written)}` }
        kind = 'written'
      }
      return { kind }
    },
  }
}

async function manifestOf(resource: Resource): Promise<Reply> {
  const documents = parseAllDocuments(await readFile(manifests, 'utf8'))
  const object = documents
    .map((document): unknown => document.toJS())
    .find((one) => objectOr(one)['kind'] === resource.kind)
  return isObject(object) ? { kind: 'done', object } : { kind: 'absent' }
}
