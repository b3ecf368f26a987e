import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { isObject, objectOr } from '../../../src/core/json.ts'
import { registrations } from '../../../src/operator/webhook-trust.ts'
import { caBundleIn, type Cluster } from '../cluster.ts'
import { admissionReview } from '../reviews/review.ts'

export type Asked = AsyncDisposable & {
  /** Has one binding reviewed, and resolves once it is allowed. */
  readonly review: () => Promise<void>
}

/** Calls the webhook where it is registered, as the API server would for a new binding of this namespace. */
export async function askWebhook({ objects }: Cluster, namespace: string): Promise<Asked> {
  const [{ resource, name }] = registrations
  const reply = await objects.get(resource, { name })
  if (reply.kind !== 'done') throw new Error(`reading ${resource.kind} ${name}: ${reply.kind}`)
  const { webhooks } = reply.object
  const [webhook]: readonly unknown[] = Array.isArray(webhooks) ? webhooks : []
  const { url } = isObject(webhook) ? objectOr(webhook['clientConfig']) : {}
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: caBundleIn(reply.object) })
  const body = JSON.stringify(admissionReview(namespace, 0))
  return {
    review: async () => {
      const answer = await post(`${String(url)}?timeout=5s`, agent, body)
      if (!answer.includes('"allowed":true')) throw new Error(`the webhook answered ${answer}`)
    },
    [Symbol.asyncDispose]: () => Promise.resolve(agent.destroy()),
  }
}

const post = (url: string, agent: Agent, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    request(url, { method: 'POST', agent, headers }, (response) => {
      text(response).then(resolve, reject)
    })
      .on('error', reject)
      .end(body)
  })
