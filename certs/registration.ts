import { field, isObject, objectOr, sameJson, textOr, type JsonObject } from '../src/core/json.ts'

/** Where the API server is told to reach the webhook: through its Service, or at a URL outside the cluster. */
export type WebhookAddress = { readonly kind: 'service' } | { readonly kind: 'url'; readonly url: string }

/** What the operator writes into each webhook of a configuration. */
export type Registration = {
  /** The CAs that the webhook is to be trusted by, PEM. Empty where there are none. */
  readonly caBundle: string
  /** What the path ends in. Empty where that is no token. */
  readonly token: string
}

export type PublishResult =
  /** Every webhook had it already. */
  | { readonly kind: 'standing' }
  | { readonly kind: 'written' }
  /** Somebody changed a configuration after it was read. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly problem: string }

/** The webhook configurations as they were at one moment. */
export type WebhookConfigurations = {
  /** The registration of each webhook in the configurations that exist. */
  readonly webhooks: readonly Registration[]
  /** Which configuration does not exist, in words; undefined if both do. */
  readonly missing: string | undefined
  /** Writes a registration into each webhook that has another one, and only over the configurations that were read. */
  readonly publish: (registration: Registration) => Promise<PublishResult>
}

/**
 * Whether a text is a token: 256 random bits, which nobody can guess. The API server wants each segment of the path to
 * be a DNS-1123 subdomain, hence lower-case hex.
 */
export const isToken = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/**
 * A webhook configuration whose webhooks are to be called by this registration; undefined if it is so already.
 * Everything else stays as it is.
 */
export function withRegistration(
  configuration: JsonObject,
  registration: Registration,
  address: WebhookAddress,
): JsonObject | undefined {
  const webhooks = field(configuration, 'webhooks')
  if (!Array.isArray(webhooks)) return undefined
  const registered = webhooks.map((webhook: unknown) =>
    isObject(webhook) ? { ...webhook, clientConfig: clientConfig(webhook, registration, address) } : webhook,
  )
  return sameJson(webhooks, registered) ? undefined : { ...configuration, webhooks: registered }
}

/** The caBundle and the token of each webhook of a configuration. */
export function registrationsOf(configuration: JsonObject): readonly Registration[] {
  const webhooks = field(configuration, 'webhooks')
  if (!Array.isArray(webhooks)) return []
  return webhooks.map((webhook: unknown) => {
    const config = objectOr(field(objectOr(webhook), 'clientConfig'))
    const last = pathIn(config).split('/').at(-1) ?? ''
    return {
      caBundle: Buffer.from(textOr(config['caBundle'], ''), 'base64').toString(),
      token: isToken(last) ? last : '',
    }
  })
}

/** What a webhook is called at: the first label of its name, such as `validate` or `mutate`. */
const routeOf = (webhook: JsonObject): string => textOr(webhook['name'], '').split('.', 1)[0] ?? ''

function clientConfig(
  webhook: JsonObject,
  { caBundle, token }: Registration,
  address: WebhookAddress,
): JsonObject {
  const now = objectOr(field(webhook, 'clientConfig'))
  const encoded = { caBundle: Buffer.from(caBundle).toString('base64') }
  const path = `/${routeOf(webhook)}/${token}`
  switch (address.kind) {
    case 'service': {
      const service = field(now, 'service')
      return { ...now, ...(isObject(service) && { service: { ...service, path } }), ...encoded }
    }
    case 'url':
      return { url: address.url + path, ...encoded }
  }
}

function pathIn(config: JsonObject): string {
  const service = textOr(field(objectOr(field(config, 'service')), 'path'), '')
  return service || (URL.parse(textOr(field(config, 'url'), ''))?.pathname ?? '')
}
