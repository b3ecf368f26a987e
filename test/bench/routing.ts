import { isObject, objectOr, type JsonObject } from '../../src/core/json.ts'
import { webhookHost } from '../support/webhook-host.ts'
import { registrations } from '../support/webhook-names.ts'
import type { Cluster } from './cluster.ts'
import { numberIn, startWorker, textIn } from './worker.ts'

/** Which webhooks review what is created in a namespace: the operator's, those of a server that allows everything, or none. */
export type Route = 'kleym' | 'echo' | 'none'

/** The labels of a namespace. */
export const routeTo = (webhooks: Route): Readonly<Record<string, string>> => ({ webhooks })

/** Narrows the operator's webhooks to namespaces of their own, and registers the same ones of an echo for others. */
export async function routeByNamespace({ objects }: Pick<Cluster, 'objects'>): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const bare = stack.use(startWorker(new URL('reviews/bare.ts', import.meta.url), []))
  const address = await bare.ask('address')
  const url = `https://${webhookHost}:${numberIn(address, 'port')}`
  const ca = textIn(address, 'ca')
  for (const { resource, name } of registrations) {
    const reply = await objects.get(resource, { name })
    if (reply.kind !== 'done') throw new Error(`reading ${resource.kind} ${name}: ${reply.kind}`)
    const narrowed = withWebhooks(reply.object, (webhook) => ({ ...webhook, ...onlyFor('kleym') }))
    const echo = withWebhooks(reply.object, (webhook) => ({
      ...webhook,
      ...onlyFor('echo'),
      name: `echo-${String(webhook['name'])}`,
      clientConfig: { url: `${url}/validate`, caBundle: Buffer.from(ca).toString('base64') },
    }))
    const written = [
      await objects.replace(resource, narrowed),
      await objects.create(resource, { ...echo, metadata: { name: 'echo' } }),
    ]
    if (written.some(({ kind }) => kind !== 'done'))
      throw new Error(`registering the webhooks: ${JSON.stringify(written)}`)
  }
  return stack.move()
}

const onlyFor = (route: Route) => ({ namespaceSelector: { matchLabels: routeTo(route) } })

const withWebhooks = (configuration: JsonObject, change: (webhook: JsonObject) => JsonObject): JsonObject => {
  const webhooks: unknown = configuration['webhooks']
  return {
    ...objectOr(configuration),
    webhooks: Array.isArray(webhooks) ? webhooks.filter(isObject).map(change) : [],
  }
}
