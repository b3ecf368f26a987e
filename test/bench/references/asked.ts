import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { isObject, objectOr } from '../../../src/core/json.ts'
import { webhookHost } from '../../support/webhook-host.ts'
import { registrations } from '../../support/webhook-names.ts'
import type { Cluster } from '../cluster.ts'
import { admissionReview } from '../reviews/review.ts'
import { numberIn, startWorker, textIn } from '../worker.ts'

export type Asked = AsyncDisposable & {
  /** Has one binding reviewed, and resolves once it is allowed. */
  readonly review: () => Promise<void>
}

/** Where reviews go, and the CA of that server's certificate. */
type Door = { readonly url: string; readonly ca: string }

/** The door of `/validate` or of `/mutate`, as it is registered. */
export async function doorOf({ objects }: Cluster, which: 'validating' | 'mutating'): Promise<Door> {
  const [validating, mutating] = registrations
  const { resource, name } = { validating, mutating }[which]
  const reply = await objects.get(resource, { name })
  if (reply.kind !== 'done') throw new Error(`reading ${resource.kind} ${name}: ${reply.kind}`)
  const { webhooks } = reply.object
  const [webhook]: readonly unknown[] = Array.isArray(webhooks) ? webhooks : []
  const { url, caBundle } = isObject(webhook) ? objectOr(webhook['clientConfig']) : {}
  return { url: `${String(url)}?timeout=5s`, ca: Buffer.from(String(caBundle), 'base64').toString() }
}

/** Calls a server in a process of its own that allows whatever it is sent. */
export async function askEcho(namespace: string): Promise<Asked> {
  await using stack = new AsyncDisposableStack()
  const bare = stack.use(startWorker(new URL('../reviews/bare.ts', import.meta.url), []))
  const address = await bare.ask('address')
  const url = `https://${webhookHost}:${numberIn(address, 'port')}/validate`
  const { review } = stack.use(ask({ url, ca: textIn(address, 'ca') }, namespace))
  const moved = stack.move()
  return { review, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

/** Calls this server as the API server would for a new binding of the namespace. */
export function ask({ url, ca }: Door, namespace: string): Asked {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
  const body = JSON.stringify(admissionReview(namespace, 0))
  return {
    review: async () => {
      const answer = await post(url, agent, body)
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
