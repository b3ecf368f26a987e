import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import forge from 'node-forge'
import { createAuthority, issueLeaf } from '../../certs/authority.ts'
import type { Log } from '../../src/log.ts'
import type { AdmissionResponse } from '../../src/webhook/admission-review.ts'
import {
  startWebhookServer,
  type WebhookServer,
  type WebhookServerOptions,
} from '../../src/webhook/server.ts'

export const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }

export async function newPair(now = new Date()): Promise<{ key: string; cert: string; ca: string }> {
  const authority = await createAuthority({ now, lifetimeDays: 2 })
  const leaf = await issueLeaf(authority, { ...names, now, lifetimeDays: 1 })
  return { key: leaf.keyPem, cert: leaf.certPem, ca: authority.certPem }
}

/** A certificate for a client, since those of `issueLeaf` are for servers alone. */
export async function newClientPair(): Promise<{ key: string; cert: string; ca: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const authority = await createAuthority({ now: new Date(), lifetimeDays: 1 })
  const issuer = forge.pki.certificateFromPem(authority.certPem)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.validity = issuer.validity
  certificate.setSubject([{ name: 'commonName', value: 'kube-apiserver' }])
  certificate.setIssuer(issuer.subject.attributes)
  certificate.setExtensions([{ name: 'extKeyUsage', clientAuth: true }])
  certificate.sign(forge.pki.privateKeyFromPem(authority.keyPem), forge.md.sha256.create())
  return { key: privateKey, cert: forge.pki.certificateToPem(certificate), ca: authority.certPem }
}

/** Made once: a pair takes a good part of a second. */
export const pair = await newPair()

export const allowed = {
  kind: 'allowed',
  warnings: [],
  auditAnnotations: {},
  end: { decision: 'allow', reason: undefined },
  patch: [],
} as const satisfies AdmissionResponse

/** What every call of these tests ends its path in, unless it says otherwise. */
export const token = 'ab'.repeat(32)

/** `/validate?timeout=5s` as the API server calls it. */
export const withToken = (path: string): string => path.replace(/(?=\?|$)/, `/${token}`)

export type Line = { readonly level: string; readonly fields: object; readonly message: string }

function logInto(lines: Line[]): Log {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return log
}

export type Serving = WebhookServer &
  AsyncDisposable & { readonly url: string; readonly lines: readonly Line[] }

/** A server on loopback that goes with its scope. */
export async function serving(options: Partial<WebhookServerOptions> = {}): Promise<Serving> {
  const lines: Line[] = []
  const server = await startWebhookServer({
    host: '127.0.0.1',
    port: 0,
    tls: pair,
    routes: { validate: async () => allowed, mutate: async () => allowed },
    admits: (given) => given === token,
    log: logInto(lines),
    ...options,
  })
  const url = `https://127.0.0.1:${server.port}`
  return { ...server, url, lines, [Symbol.asyncDispose]: () => server.close(0) }
}

export type Session = ClientHttp2Session & AsyncDisposable

export async function session(
  url: string,
  tls: { ca: string; key?: string; cert?: string } = pair,
): Promise<Session> {
  const { ca, key, cert } = tls
  const client = connect(url, key === undefined || tls === pair ? { ca } : { ca, key, cert })
  await once(client, 'connect')
  // If the session fails, its requests tell that.
  client.on('error', () => {})
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.destroy() })
}

export type Answer = {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: unknown
}

type Call = { readonly method?: string; readonly type?: string; readonly body?: string | Buffer }

/** Rejects also if the stream closes without an error, as it does when its session is cut off. */
function answered(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & IncomingHttpStatusHeader> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve)
    stream.once('error', reject)
    stream.once('close', () => reject(new Error(`no answer, the stream closed with ${stream.rstCode}`)))
  })
}

/** One call over HTTP/2, with the token; `body` of the answer is its JSON. */
export const call = (client: ClientHttp2Session, path: string, request: Call = {}): Promise<Answer> =>
  callAt(client, withToken(path), request)

/** One call of exactly this path, token or none. */
export async function callAt(client: ClientHttp2Session, path: string, request: Call = {}): Promise<Answer> {
  const { method = 'POST', type = 'application/json', body } = request
  const stream = client.request({ ':method': method, ':path': path, 'content-type': type })
  const head = answered(stream)
  // The stream of a GET takes no body, and has ended already.
  if (stream.writable) stream.end(body)
  const headers = await head
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  const text = Buffer.concat(chunks).toString()
  return { status: headers[':status'] ?? 0, headers, body: text === '' ? undefined : JSON.parse(text) }
}

const gvk = { group: 'kleym.sonda.red', version: 'v1alpha1', kind: 'InferenceIdentityBinding' }
const gvr = { group: 'kleym.sonda.red', version: 'v1alpha1', resource: 'inferenceidentitybindings' }

/** As an API server sends it. */
export function admissionReview(request: object = {}): {
  readonly apiVersion: string
  readonly kind: string
  readonly request: Record<string, unknown>
} {
  const object = {
    apiVersion: 'kleym.sonda.red/v1alpha1',
    kind: 'InferenceIdentityBinding',
    metadata: { name: 'chat', namespace: 'default' },
    spec: { poolRef: { name: 'chat' }, serviceAccountName: 'chat', mode: 'PoolOnly' },
  }
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: gvk,
      resource: gvr,
      requestKind: gvk,
      requestResource: gvr,
      name: 'chat',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'alice', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...request,
    },
  }
}
