import { isObject, type JsonObject } from '../core/json.ts'
import { allResources } from '../core/resources.ts'
import { printable } from '../core/show.ts'
import { printableWarnings } from './warnings.ts'

const apiVersion = 'admission.k8s.io/v1'
const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const

export type Operation = (typeof operations)[number]

/** The fields of AdmissionRequest (k8s.io/api/admission/v1) that are used. Absent ones are '' or null. */
export type AdmissionRequest = {
  readonly uid: string
  readonly operation: Operation
  readonly dryRun: boolean
  readonly namespace: string
  readonly name: string
  readonly group: string
  readonly version: string
  /** The plural. */
  readonly resource: string
  readonly subresource: string
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly user: { readonly username: string; readonly groups?: readonly string[] }
  /** An object on CREATE and UPDATE. */
  readonly object: unknown
  /** An object on UPDATE. */
  readonly oldObject: unknown
  readonly options?: unknown
}

export type StatusCause = { readonly reason: string; readonly message: string; readonly field: string }

/** How a review ended, for the metrics; the API server is not told. */
export type ReviewEnd = {
  /** `warn` if a warning is about the request itself. What every answer warns of does not count. */
  readonly decision: 'allow' | 'warn' | 'deny'
  /** The reason of the first finding; of a denial, of the first one that refuses. */
  readonly reason: string | undefined
}

type Remarks = {
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
  readonly end: ReviewEnd
}

export type AdmissionResponse =
  /** `patch` is a JSON patch (RFC 6902); an empty one changes nothing. */
  | (Remarks & { readonly kind: 'allowed'; readonly patch: readonly unknown[] })
  | (Remarks & {
      readonly kind: 'denied'
      readonly status: {
        readonly message: string
        readonly reason: 'Invalid' | 'Forbidden'
        readonly code: 422 | 403
        readonly details: {
          readonly name: string
          readonly group: string
          readonly kind: string
          readonly causes: readonly StatusCause[]
        }
      }
    })

export type Decoded =
  | { readonly kind: 'request'; readonly request: AdmissionRequest }
  | { readonly kind: 'problem'; readonly uid: string | undefined; readonly message: string }

/**
 * Reads an AdmissionReview from the JSON of a body. Otherwise returns every reason why it is none, and its uid if it
 * has one.
 */
export function decodeReview(body: unknown): Decoded {
  if (!isObject(body)) return problem(undefined, `the body is ${inWords(body)}, expected an AdmissionReview`)
  const asked = body['request']
  const uid = isObject(asked) ? uidOf(asked) : undefined
  if (body['apiVersion'] !== apiVersion || body['kind'] !== 'AdmissionReview') {
    const given = `apiVersion ${inWords(body['apiVersion'])} and kind ${inWords(body['kind'])}`
    return problem(uid, `the body has ${given}, expected "${apiVersion}" and "AdmissionReview"`)
  }
  if (!isObject(asked)) return problem(uid, `request is ${inWords(asked)}, expected an object`)
  const mistakes: string[] = []
  const request = decodeRequest(asked, mistakes)
  if (uid === undefined && request.uid !== '') mistakes.push('request.uid is too long to be one')
  return mistakes.length > 0 ? problem(uid, mistakes.join('; ')) : { kind: 'request', request }
}

/** The uid is echoed and logged, so a long one is dropped. The uid of an API server has 36 characters. */
function uidOf({ uid }: JsonObject): string | undefined {
  return typeof uid === 'string' && uid !== '' && uid.length <= 128 ? uid : undefined
}

function decodeRequest(asked: JsonObject, mistakes: string[]): AdmissionRequest {
  const read = reader(asked, 'request', mistakes)
  const kind = reader(read.object('kind'), 'request.kind', mistakes)
  const resource = reader(read.object('resource'), 'request.resource', mistakes)
  const user = reader(read.object('userInfo'), 'request.userInfo', mistakes)
  const groups = user.texts('groups')
  const [group, plural] = [resource.textOrNone('group'), resource.text('resource')]
  const operation = read.operation()
  if (operation === 'CREATE' || operation === 'UPDATE') read.object('object')
  if (operation === 'UPDATE') read.object('oldObject')
  return {
    uid: read.text('uid'),
    operation,
    dryRun: read.flag('dryRun'),
    namespace: isNamespaced(group, plural) ? read.text('namespace') : read.textOrNone('namespace'),
    name: read.textOrNone('name'),
    group,
    version: resource.text('version'),
    resource: plural,
    subresource: read.textOrNone('subResource'),
    kind: { group: kind.textOrNone('group'), version: kind.text('version'), kind: kind.text('kind') },
    user: { username: user.textOrNone('username'), ...(groups && { groups }) },
    object: asked['object'] ?? null,
    oldObject: asked['oldObject'] ?? null,
    ...(asked['options'] !== undefined && { options: asked['options'] }),
  }
}

/** Whether objects of a kind that is judged always have a namespace. */
const isNamespaced = (group: string, plural: string): boolean =>
  allResources.some((known) => known.namespaced && known.group === group && known.plural === plural)

/** Reads fields and collects mistakes, so that one answer names all of them. As in Go, a null counts as absent. */
function reader(from: JsonObject, path: string, mistakes: string[]) {
  const expected = <T>(key: string, what: string, instead: T): T => {
    mistakes.push(`${path}.${key} is ${inWords(from[key])}, expected ${what}`)
    return instead
  }
  const textOrNone = (key: string): string => {
    const value = from[key] ?? ''
    return typeof value === 'string' ? value : expected(key, 'a string', '')
  }
  return {
    textOrNone,
    text: (key: string): string =>
      (from[key] ?? '') === '' ? expected(key, 'a non-empty string', '') : textOrNone(key),
    flag: (key: string): boolean => {
      const value = from[key] ?? false
      return typeof value === 'boolean' ? value : expected(key, 'true or false', false)
    },
    object: (key: string): JsonObject => {
      const value = from[key]
      return isObject(value) ? value : expected(key, 'an object', {})
    },
    texts: (key: string): readonly string[] | undefined => {
      const value = from[key] ?? undefined
      if (value === undefined) return undefined
      return areTexts(value) ? value : expected(key, 'a list of strings', undefined)
    },
    operation: (): Operation =>
      operations.find((one) => one === from['operation']) ??
      expected('operation', `one of ${operations.join(', ')}`, 'CONNECT'),
  }
}

/** The body of the answer. Its HTTP code is 200 for both decisions. */
export function encodeReview(uid: string, decision: AdmissionResponse): string {
  const warnings = printableWarnings(decision.warnings)
  const response = {
    uid,
    ...verdict(decision),
    ...(warnings.length > 0 && { warnings }),
    ...(Object.keys(decision.auditAnnotations).length > 0 && { auditAnnotations: decision.auditAnnotations }),
  }
  return JSON.stringify({ apiVersion, kind: 'AdmissionReview', response })
}

function verdict(decision: AdmissionResponse): object {
  switch (decision.kind) {
    case 'allowed': {
      if (decision.patch.length === 0) return { allowed: true }
      const patch = Buffer.from(JSON.stringify(decision.patch)).toString('base64')
      return { allowed: true, patchType: 'JSONPatch', patch }
    }
    case 'denied': {
      const { message, reason, code, details } = decision.status
      const causes = details.causes.map((cause) => ({ ...cause, message: printable(cause.message) }))
      // Line by line: a message names one problem on each.
      const lines = message.split(/\r?\n/).map(printable).join('\n')
      const status = { status: 'Failure', message: lines, reason, code, details: { ...details, causes } }
      return { allowed: false, status }
    }
  }
}

const problem = (uid: string | undefined, message: string): Decoded => ({ kind: 'problem', uid, message })

const areTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

/** Describes the value that was found instead, in few words, because a body can have 7 MiB. */
function inWords(value: unknown): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 80) : value)
}
