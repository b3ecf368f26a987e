import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { withTrust, type WebhookAddress } from '../../certs/registration.ts'
import { ensureCertificates, type Certificates, type SecretAccess } from '../../certs/store.ts'
import { field, isObject, objectOr, type JsonObject } from '../core/json.ts'
import type { Objects, Reply } from '../core/objects.ts'
import type { Resource } from '../core/resources.ts'
import type { Log } from '../log.ts'

/** What the webhook's certificates live in and are published to. */
export const secretName = 'kleym-operator-webhook-cert'

const webhookService = 'kleym-operator-webhook-service'

export const secretResource: Resource = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
}

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

/** The names that the API server will check the certificate against. */
export function namesFor(
  address: WebhookAddress,
  namespace: string,
): { dnsNames: readonly string[]; ipAddresses: readonly string[] } {
  if (address.kind === 'service') {
    const service = `${webhookService}.${namespace}`
    return { dnsNames: [`${service}.svc`, `${service}.svc.cluster.local`, service], ipAddresses: [] }
  }
  const host = new URL(address.url).hostname.replaceAll(/[[\]]/g, '')
  return isIP(host) === 0 ? { dnsNames: [host], ipAddresses: [] } : { dnsNames: [], ipAddresses: [host] }
}

/** The operator's own CA and leaf, in a Secret that all replicas share. */
export const selfManaged =
  (options: { objects: Objects; namespace: string; address: WebhookAddress; log: Log }) =>
  (): Promise<Certificates> =>
    ensureCertificates({
      secret: secretAccess(options.objects, options.namespace),
      names: namesFor(options.address, options.namespace),
      now: () => new Date(),
      log: options.log,
    })

/** How often files are looked at: kubelet swaps them without a sign that every file system passes on. */
const filesAreReadEveryMs = 10_000

/** Somebody else's certificates, as cert-manager mounts them. */
export const fromFiles = (directory: string) => async (): Promise<Certificates> => {
  const [cert, key, caBundle] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readFile(join(directory, name), 'utf8')),
  )
  if (cert === undefined || key === undefined || caBundle === undefined)
    throw new Error(`${directory} is incomplete`)
  return { pair: { cert, key }, caBundle, renewAt: new Date(Date.now() + filesAreReadEveryMs) }
}

function secretAccess(objects: Objects, namespace: string): SecretAccess {
  const at = { namespace, name: secretName }
  const manifest = (data: Readonly<Record<string, string>>, resourceVersion?: string): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      ...at,
      labels: { 'app.kubernetes.io/name': 'kleym', 'app.kubernetes.io/component': 'operator' },
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  })
  return {
    read: async () => {
      const reply = await objects.get(secretResource, at)
      if (reply.kind === 'absent') return undefined
      if (reply.kind !== 'done')
        throw new Error(`reading Secret ${namespace}/${secretName}: ${wordsOf(reply)}`)
      const data = objectOr(field(reply.object, 'data'))
      return {
        data: Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]),
        ),
        resourceVersion: String(objectOr(reply.object['metadata'])['resourceVersion']),
      }
    },
    create: async (data) => written(await objects.create(secretResource, manifest(data)), namespace),
    replace: async (data, resourceVersion) =>
      written(await objects.replace(secretResource, manifest(data, resourceVersion)), namespace),
  }
}

function written(reply: Reply, namespace: string): 'written' | 'conflict' {
  if (reply.kind === 'done') return 'written'
  if (reply.kind === 'conflict' || reply.kind === 'absent') return 'conflict'
  throw new Error(`writing Secret ${namespace}/${secretName}: ${wordsOf(reply)}`)
}

const wordsOf = (reply: Exclude<Reply, { kind: 'done' }>): string =>
  reply.kind === 'absent' ? 'not found' : reply.kind === 'failed' ? reply.cause : reply.message

/**
 * Writes a bundle into both webhook configurations where it is not there yet. Resolves to what is in the way:
 * an operator inside the cluster may not create them.
 */
export const publisher =
  (objects: Objects, address: WebhookAddress) =>
  async (caBundle: string): Promise<string | undefined> => {
    for (const { resource, name } of registrations) {
      const found = await objects.get(resource, { name })
      const live = found.kind === 'absent' && address.kind === 'url' ? await manifestOf(resource) : found
      if (live.kind !== 'done') return `${resource.kind} ${name}: ${wordsOf(live)}`
      const wanted = withTrust(live.object, caBundle, address)
      if (!wanted) continue
      const reply = await (found === live
        ? objects.replace(resource, wanted)
        : objects.create(resource, wanted))
      if (reply.kind !== 'done') return `${resource.kind} ${name}: ${wordsOf(reply)}`
    }
    return undefined
  }

async function manifestOf(resource: Resource): Promise<Reply> {
  const documents = parseAllDocuments(await readFile(manifests, 'utf8'))
  const object = documents
    .map((document): unknown => document.toJS())
    .find((one) => objectOr(one)['kind'] === resource.kind)
  return isObject(object) ? { kind: 'done', object } : { kind: 'absent' }
}
