import { randomBytes } from 'node:crypto'
import { isObject, textOr, field, objectOr } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import { failureWords, resourcePath, type Answer, type Client } from '../kube/client.ts'
import type { AdmissionRequest, AdmissionResponse } from '../webhook/admission-review.ts'

export type Probe = {
  /** Starts probing. */
  readonly start: () => void
  readonly stop: () => void
  readonly problem: () => string | undefined
}

type ProbeOptions = {
  readonly client: Pick<Client, 'call'>
  /** The operator's own namespace, where it has the permission to create bindings that a dry run needs. */
  readonly namespace: string
  readonly report: (reached: boolean) => void
}

/** The first probe, a dry run through the API server to the webhook, comes this long after the start. */
const firstMs = 5_000

/** How long after a probe that succeeded the next one comes. */
const everyMs = 60_000

/** How long after one that failed: that the way is open again should show soon. */
const againMs = 10_000

/** The result before the first probe. */
export const notTried = 'not tried yet'

/** The name of the binding in the dry run. A binding of this name that is to be stored is judged like any other. */
const probeName = 'kleym-webhook-probe'
const nonceAnnotation = 'kleym.sonda.red/probe'

/**
 * The result of a probe is reported and does not decide about readiness: a replica that is not ready is no endpoint
 * of the Service, so the first replica's probe could never succeed.
 */
export function createProbe(options: ProbeOptions): Probe {
  let problem: string | undefined = notTried
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  const attempt = async (): Promise<void> => {
    problem = await tryWay(options)
    if (stopped) return
    options.report(problem === undefined)
    timer = setTimeout(() => void attempt(), problem === undefined ? everyMs : againMs)
  }
  return {
    start: () => {
      timer = setTimeout(() => void attempt(), firstMs)
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
    problem: () => problem,
  }
}

/**
 * Sends a dry run of a valid binding and returns undefined if a webhook of ours has answered it. The binding is valid
 * because a refusal would count in the API server's metrics and in ours.
 */
export async function tryWay({
  client,
  namespace,
}: Pick<ProbeOptions, 'client' | 'namespace'>): Promise<string | undefined> {
  const nonce = randomBytes(16).toString('hex')
  const answer = await client.call({
    method: 'POST',
    path: resourcePath(bindingResource, { namespace }),
    query: { dryRun: 'All' },
    body: {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      metadata: { name: probeName, namespace, annotations: { [nonceAnnotation]: nonce } },
      spec: { mode: 'PoolOnly', poolRef: { name: probeName }, serviceAccountName: probeName },
    },
  })
  return problemOf(answer, nonce)
}

function problemOf(answer: Answer, nonce: string): string | undefined {
  if (answer.kind !== 'ok') return failureWords(answer)
  return answer.warnings.includes(replyTo(nonce))
    ? undefined
    : 'a dry run of a binding came back without a word of the webhook: it was not asked'
}

/** The answer to the probe of any replica; undefined for a request that is no probe. */
export function probeAnswer(
  { dryRun, operation, name, namespace, object }: AdmissionRequest,
  own: { readonly namespace: string },
): AdmissionResponse | undefined {
  if (!dryRun || operation !== 'CREATE' || name !== probeName || namespace !== own.namespace) return undefined
  const annotations = field(objectOr(field(objectOr(object), 'metadata')), 'annotations')
  const nonce = isObject(annotations) ? textOr(annotations[nonceAnnotation], '') : ''
  if (!/^[0-9a-f]{32}$/.test(nonce)) return undefined
  const end = { decision: 'allow', reason: undefined } as const
  return { kind: 'allowed', warnings: [replyTo(nonce)], auditAnnotations: {}, end, patch: [] }
}

const replyTo = (nonce: string): string => `${probeName} ${nonce}`
