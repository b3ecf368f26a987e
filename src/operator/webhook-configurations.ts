import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import {
  registrationsOf,
  withRegistration,
  type WebhookConfigurations,
  type WebhookAddress,
} from '../../certs/registration.ts'
import { wordsOf } from '../../certs/secret.ts'
import type { WebhookNames } from '../config.ts'
import { isObject, objectOr, type JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import type { Resource } from '../core/resources.ts'
import { root } from '../root.ts'

const configurationResource = (kind: string, plural: string): Resource => ({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: false,
})

const validatingResource = configurationResource(
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
)
const mutatingResource = configurationResource(
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
)

/** The two objects that register the webhook with the API server. */
export const configurationsOf = ({ validating, mutating }: Pick<WebhookNames, 'validating' | 'mutating'>) =>
  [
    { resource: validatingResource, name: validating },
    { resource: mutatingResource, name: mutating },
  ] as const

/** The manifests that `deploy` installs; an operator outside the cluster creates them itself. */
const manifests = new URL('deploy/webhook/webhooks.yaml', root)

type Options = {
  readonly objects: Pick<Objects, 'get' | 'create' | 'replace'>
  readonly names: WebhookNames
  readonly address: WebhookAddress
}

type FoundConfiguration = {
  readonly resource: Resource
  readonly name: string
  /** Undefined if it does not exist. */
  readonly object: JsonObject | undefined
}

/**
 * Reads both webhook configurations. An operator inside the cluster has no permission to create them, and works with
 * one of the two: each denies wrong bindings. Throws if one could not be read.
 */
export const registered =
  ({ objects, names, address }: Options) =>
  async (): Promise<WebhookConfigurations> => {
    const found = await Promise.all(
      configurationsOf(names).map(async ({ resource, name }): Promise<FoundConfiguration> => {
        const reply = await objects.get(resource, { name })
        if (reply.kind !== 'done' && reply.kind !== 'absent')
          throw new Error(`reading ${resource.kind} ${name}: ${wordsOf(reply)}`)
        return { resource, name, object: reply.kind === 'done' ? reply.object : undefined }
      }),
    )
    const missing = address.kind === 'url' ? [] : found.filter(({ object }) => object === undefined)
    const there = found.filter((one) => !missing.includes(one))
    return {
      webhooks: there.flatMap(({ object }) => (object ? registrationsOf(object) : [])),
      missing: missing.length === 0 ? undefined : missingWords(missing),
      publish: async (registration) => {
        if (there.length === 0) return { kind: 'failed', problem: missingWords(missing) }
        let kind: 'standing' | 'written' = 'standing'
        for (const { resource, name, object } of there) {
          const wanted = withRegistration(object ?? (await manifestOf(resource, name)), registration, address)
          if (!wanted) continue
          const reply = await (object ? objects.replace(resource, wanted) : objects.create(resource, wanted))
          if (reply.kind === 'conflict') return { kind: 'overtaken' }
          if (reply.kind !== 'done')
            return { kind: 'failed', problem: `${resource.kind} ${name}: ${wordsOf(reply)}` }
          kind = 'written'
        }
        return { kind }
      },
    }
  }

const missingWords = (missing: readonly FoundConfiguration[]): string =>
  `${missing.map(({ resource, name }) => `${resource.kind} ${name}`).join(' and ')} is not there, so the API server asks less than it could; apply deploy/webhook, or say what it is called`

async function manifestOf(resource: Resource, name: string): Promise<JsonObject> {
  const documents = parseAllDocuments(await readFile(manifests, 'utf8'))
  const object = documents
    .map((document): unknown => document.toJS())
    .find((one) => objectOr(one)['kind'] === resource.kind)
  if (!isObject(object)) throw new Error(`${manifests.pathname} has no ${resource.kind}`)
  return { ...object, metadata: { ...objectOr(object['metadata']), name } }
}
