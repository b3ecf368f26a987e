import { randomUUID } from 'node:crypto'
import { Agent, request } from 'undici'
import type { Attributes, Hook } from './hooks.ts'
import { isRecord, recordOf, textOf, textsOf, type Json } from './json.ts'
import { groupVersion } from './kind.ts'

export type Verdict = {
  readonly allowed: boolean
  readonly status: Json
  readonly warnings: readonly string[]
  /** The operations of a JSON patch, none given as undefined. */
  readonly patch: unknown
}

export type ServiceRef = { readonly namespace: string; readonly name: string; readonly port: number }

/** Where a Service of a webhook's clientConfig listens, as `https://host:port`. */
export type Services = (service: ServiceRef) => string | undefined

export type Caller = {
  /** Throws when the call fails or the answer is no AdmissionReview; the message is what kubectl prints. */
  readonly call: (hook: Hook, attributes: Attributes) => Promise<Verdict>
  readonly close: () => Promise<void>
}

type Endpoint = { readonly url: URL; readonly servername?: string }

const endpointOf = ({ clientConfig }: Hook, services: Services): Endpoint => {
  const { url, service } = clientConfig
  if (typeof url === 'string') return { url: new URL(url) }
  const { name, namespace, port, path } = recordOf(service)
  const ref = { name: textOf(name), namespace: textOf(namespace), port: Number(port ?? 443) }
  const base = services(ref)
  if (base === undefined) throw new Error(`service "${ref.name}" not found`)
  return { url: new URL(textOf(path), base), servername: `${ref.name}.${ref.namespace}.svc` }
}

const resourceNames = ({ kind }: Attributes): Json => {
  const named = { group: kind.group, version: kind.version, kind: kind.kind }
  const resource = { group: kind.group, version: kind.version, resource: kind.plural }
  return { kind: named, resource, requestKind: named, requestResource: resource }
}

const optionKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const

const reviewOf = (uid: string, attributes: Attributes): Json => {
  const { operation, kind, name, namespace, object, oldObject, dryRun, user } = attributes
  const present = (version: Attributes['object']): unknown =>
    version === undefined ? null : { ...version, apiVersion: groupVersion(kind) }
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      ...resourceNames(attributes),
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation,
      userInfo: { username: user, groups: ['system:masters', 'system:authenticated'] },
      object: present(object),
      oldObject: present(oldObject),
      dryRun,
      options: { kind: optionKinds[operation], apiVersion: 'meta.k8s.io/v1' },
    },
  }
}

const decodePatch = (patch: unknown): unknown =>
  typeof patch === 'string' && patch !== ''
    ? JSON.parse(Buffer.from(patch, 'base64').toString('utf8'))
    : undefined

const decodeVerdict = (uid: string, body: string): Verdict => {
  const review: unknown = JSON.parse(body)
  const response = recordOf(review)['response']
  if (!isRecord(response)) throw new Error('received invalid webhook response: webhook response was absent')
  if (response['uid'] !== uid) {
    const got = JSON.stringify(response['uid'] ?? '')
    throw new Error(`received invalid webhook response: expected response.uid="${uid}", got ${got}`)
  }
  return {
    allowed: response['allowed'] === true,
    status: recordOf(response['status']),
    warnings: textsOf(response['warnings']),
    patch: decodePatch(response['patch']),
  }
}

/** The words of Go's net/http for what usually goes wrong. */
const inGoWords = (error: unknown, url: URL): string => {
  const cause = error instanceof Error ? error : new Error(String(error))
  const code = 'code' in cause ? String(cause.code) : ''
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: `dial tcp ${url.host}: connect: connection refused`,
    ECONNRESET: 'EOF',
    UND_ERR_SOCKET: 'EOF',
    SELF_SIGNED_CERT_IN_CHAIN:
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  }
  const why = cause.name === 'TimeoutError' ? 'context deadline exceeded' : (words[code] ?? cause.message)
  return `failed to call webhook: Post "${url.href}": ${why}`
}

const post = async (url: URL, body: Json, dispatcher: Agent, timeoutSeconds: number): Promise<string> => {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, */*' },
    body: JSON.stringify(body),
    dispatcher,
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
  })
    .then(async ({ statusCode, body: stream }) => ({ statusCode, text: await stream.text() }))
    .catch((error: unknown) => {
      throw new Error(inGoWords(error, url), { cause: error })
    })
  if (answer.statusCode === 200) return answer.text
  const said = JSON.stringify(answer.text)
  throw new Error(
    `failed to call webhook: an error on the server (${said}) has prevented the request from succeeding`,
  )
}

/** Posts AdmissionReviews, one pool of connections a CA and server name. */
export const createCaller = (services: Services): Caller => {
  const agents = new Map<string, Agent>()
  const agentFor = (caBundle: string, servername: string | undefined): Agent =>
    agents.getOrInsertComputed(`${servername ?? ''} ${caBundle}`, () => {
      const ca = caBundle === '' ? undefined : Buffer.from(caBundle, 'base64').toString('utf8')
      return new Agent({
        allowH2: false,
        connect: { ...(ca === undefined ? {} : { ca }), ...(servername === undefined ? {} : { servername }) },
      })
    })
  return {
    call: async (hook, attributes) => {
      const { url, servername } = endpointOf(hook, services)
      url.searchParams.set('timeout', `${hook.timeoutSeconds}s`)
      const uid = randomUUID()
      const agent = agentFor(textOf(hook.clientConfig['caBundle']), servername)
      return decodeVerdict(uid, await post(url, reviewOf(uid, attributes), agent, hook.timeoutSeconds))
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}
