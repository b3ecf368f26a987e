import { randomBytes } from 'node:crypto'
import { isObject, textOr, field, objectOr } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import { explain, resourcePath, type Answer, type Client } from '../kube/client.ts'
import type { AdmissionRequest, AdmissionResponse } from '../webhook/admission-review.ts'

export type Probe = {
  /** Tries the way from now on. */
  readonly start: () => void
  readonly stop: () => void
  readonly problem: () => string | undefined
}

type ProbeOptions = {
  readonly client: Pick<Client, 'call'>
  /** The operator's own, where it may create bindings, which a dry run is to the API server too. */
  readonly namespace: string
  readonly report: (reached: boolean) => void
}

/** The way through the API server to the webhook and back is tried soon after the start, then this often, */
const firstMs = 5_000
const everyMs = 60_000
/** and sooner where it was not found: that it is there again is worth knowing. */
const againMs = 10_000

/** What there is to say before the first attempt. */
export const notTried = 'not tried yet'

/** What the dry run is called. A binding of that name that is to be stored is judged like any other. */
const probeName = 'kleym-webhook-probe'
const nonceAnnotation = 'kleym.sonda.red/probe'

/**
 * What it finds is told, and decides nothing: a replica that is not ready is no endpoint, so that the first one's
 * probe could never come back.
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
 * Undefined if a webhook of ours was asked about a dry run, of a binding that nothing is wrong with: a refusal would
 * count among those of others, in the API server's metrics and in ours.
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
  if (answer.kind !== 'ok') return explain(answer)
  return answer.warnings.includes(replyTo(nonce))
    ? undefined
    : 'a dry run of a binding came back without a word of the webhook: it was not asked'
}

/** The answer to a probe, of whichever replica; undefined for a request that is none. */
export function probeAnswer(
  { dryRun, operation, name, namespace, object }: AdmissionRequest,
  own: { readonly namespace: string },
): AdmissionResponse | undefined {
  if (!dryRun || operation !== 'CREATE' || name !== probeName || namespace !== own.namespace) return undefined
  const annotations = field(objectOr(field(objectOr(object), 'metadata')), 'annotations')
  const nonce = isObject(annotations) ? textOr(annotations[nonceAnnotation], '') : ''
  if (!/^[0-9a-f]{32}$/.test(nonce)) return undefined
  return { kind: 'allowed', warnings: [replyTo(nonce)], auditAnnotations: {}, patch: [] }
}

const replyTo = (nonce: string): string => `${probeName} ${nonce}`
