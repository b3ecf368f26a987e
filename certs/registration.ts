import { field, isObject, objectOr, sameJson, textOr, type JsonObject } from '../src/core/json.ts'

/** Where the API server is told to reach the webhook: through its Service, or at a URL outside the cluster. */
export type WebhookAddress = { readonly kind: 'service' } | { readonly kind: 'url'; readonly url: string }

/**
 * A webhook configuration with the CAs that its webhooks are to be trusted by; undefined if it is so already.
 * Everything else stays as it is.
 */
export function withTrust(
  configuration: JsonObject,
  caBundle: string,
  address: WebhookAddress,
): JsonObject | undefined {
  const webhooks = field(configuration, 'webhooks')
  if (!Array.isArray(webhooks)) return undefined
  const trusted = webhooks.map((webhook: unknown) =>
    isObject(webhook)
      ? {
          ...webhook,
          clientConfig: clientConfig(objectOr(field(webhook, 'clientConfig')), caBundle, address),
        }
      : webhook,
  )
  return sameJson(webhooks, trusted) ? undefined : { ...configuration, webhooks: trusted }
}

/** The caBundle of each of its webhooks, as PEM; empty where there is none. */
export function bundlesOf(configuration: JsonObject): readonly string[] {
  const webhooks = field(configuration, 'webhooks')
  if (!Array.isArray(webhooks)) return []
  return webhooks.map((webhook: unknown) => {
    const { caBundle } = objectOr(field(objectOr(webhook), 'clientConfig'))
    return Buffer.from(textOr(caBundle, ''), 'base64').toString()
  })
}

function clientConfig(now: JsonObject, caBundle: string, address: WebhookAddress): JsonObject {
  const encoded = { caBundle: Buffer.from(caBundle).toString('base64') }
  switch (address.kind) {
    case 'service':
      return { ...now, ...encoded }
    case 'url':
      return { url: address.url + pathOf(now), ...encoded }
  }
}

/** Each webhook keeps its path, wherever it is called. */
function pathOf(config: JsonObject): string {
  const service = textOr(field(objectOr(field(config, 'service')), 'path'), '')
  const { pathname } = URL.parse(textOr(field(config, 'url'), '')) ?? { pathname: '' }
  return service || pathname.slice(pathname.lastIndexOf('/'))
}
