import type { Json } from './json.ts'
import { groupResource, type Kind } from './kind.ts'

export type Cause = { readonly reason: string; readonly message: string; readonly field: string }

export type Status = {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Json
  readonly status: string
  readonly message?: string
  readonly reason?: string
  readonly details?: Json
  readonly code?: number
}

/**
 * Ends the request wherever it is found; the one responder in http.ts turns it into the answer. The words are
 * those of k8s.io/apimachinery/pkg/api/errors, for kubectl prints them.
 */
export class Refusal extends Error {
  readonly status: Status
  readonly headers: Readonly<Record<string, string>>

  constructor(status: Status, headers: Readonly<Record<string, string>> = {}) {
    super(status.message ?? status.reason ?? 'refused')
    this.status = status
    this.headers = headers
  }
}

export const failure = (code: number, reason: string, message: string, details?: Json): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  ...(reason === '' ? {} : { reason }),
  ...(details === undefined ? {} : { details }),
  code,
})

const refuse = (code: number, reason: string, message: string, details?: Json): Refusal =>
  new Refusal(failure(code, reason, message, details))

const subject = (kind: Kind, name: string, word: string = kind.plural): Json => ({
  ...(name === '' ? {} : { name }),
  ...(kind.group === '' ? {} : { group: kind.group }),
  kind: word,
})

const qualifiedKind = (kind: Kind): string => (kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`)

export const unauthorized = (): Refusal => refuse(401, 'Unauthorized', 'Unauthorized')

export const badRequest = (message: string): Refusal => refuse(400, 'BadRequest', message)

export const internal = (message: string): Refusal =>
  refuse(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })

export const notFound = (kind: Kind, name: string): Refusal =>
  refuse(404, 'NotFound', `${groupResource(kind)} "${name}" not found`, subject(kind, name))

export const alreadyExists = (kind: Kind, name: string): Refusal =>
  refuse(409, 'AlreadyExists', `${groupResource(kind)} "${name}" already exists`, subject(kind, name))

const unfulfilled = (who: string, name: string, why: string): string =>
  `Operation cannot be fulfilled on ${who} "${name}": ${why}`

export const conflict = (kind: Kind, name: string, why: string): Refusal =>
  refuse(409, 'Conflict', unfulfilled(groupResource(kind), name, why), subject(kind, name))

export const staleWrite = (kind: Kind, name: string): Refusal =>
  conflict(
    kind,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )

/** A precondition of a DELETE: here the real server names the kind, not the resource. */
export const preconditionFailed = (kind: Kind, name: string, why: string): Refusal =>
  refuse(409, 'Conflict', unfulfilled(qualifiedKind(kind), name, why), subject(kind, name, kind.kind))

export const forbidden = (kind: Kind, name: string, why: string, details: Json = {}): Refusal =>
  refuse(403, 'Forbidden', `${groupResource(kind)} "${name}" is forbidden: ${why}`, {
    ...subject(kind, name),
    ...details,
  })

const causesInWords = (causes: readonly Cause[]): string => {
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`)
  return lines.length === 1 ? lines.join('') : `[${lines.join(', ')}]`
}

export const invalid = (kind: Kind, name: string, causes: readonly Cause[]): Refusal =>
  refuse(422, 'Invalid', `${qualifiedKind(kind)} "${name}" is invalid: ${causesInWords(causes)}`, {
    ...subject(kind, name, kind.kind),
    causes,
  })

export const notAllowed = (
  why = 'the server does not allow this method on the requested resource',
): Refusal => refuse(405, 'MethodNotAllowed', why, {})

export const unsupportedMediaType = (accepted: readonly string[]): Refusal =>
  refuse(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

export const expired = (message: string): Status => failure(410, 'Expired', message)

export const deleted = (kind: Kind, name: string, uid: string): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { ...subject(kind, name), uid },
})
