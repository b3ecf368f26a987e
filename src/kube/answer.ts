import { objectOr } from '../core/json.ts'
import { asText } from './object.ts'
import { hideTokens } from './tokens.ts'

/** The API server said no: a `Status`, or whatever a proxy in between made of it. */
export type Refused = {
  readonly kind: 'refused'
  readonly code: number
  /** `Status.reason`; empty where the answer was no Status. */
  readonly reason: string
  readonly message: string
  readonly retryAfterMs: number | undefined
  readonly body: unknown
}

/** No answer, or none that can be read: whether the request took effect is unknown. */
export type Lost = { readonly kind: 'lost'; readonly error: Error }

export type Answer =
  | {
      readonly kind: 'ok'
      readonly code: number
      readonly body: unknown
      /** What kubectl would print as `Warning: …`. */
      readonly warnings: readonly string[]
    }
  | Refused
  | Lost

/**
 * Whether the same request may succeed later: the connection broke, or the code is 5xx, 408, 409 or 429. Such a failure is no
 * outcome. The request is retried, and neither a status nor an output changes because of it.
 */
export function isTransient(answer: Answer): boolean {
  switch (answer.kind) {
    case 'ok':
      return false
    case 'lost':
      return true
    case 'refused':
      return answer.code >= 500 || [408, 409, 429].includes(answer.code)
  }
}

/**
 * Whether the API server says that there is no such object. A 404 without a Status says nothing: an API server that is
 * starting does not know the path yet.
 */
export const isAbsent = (answer: Answer): boolean =>
  answer.kind === 'refused' && answer.code === 404 && answer.reason === 'NotFound'

/** A failed answer in words, as one line for logs and errors. */
export function failureWords(answer: Refused | Lost): string {
  return answer.kind === 'lost' ? answer.error.message : `${answer.code} ${answer.reason}: ${answer.message}`
}

/** `retryAfter` is the HTTP header, in seconds: the API server never sends the form with a date. */
export function refusal(code: number, text: string, retryAfter: string | undefined): Refused {
  const body = parse(text)
  return {
    ...codeAndReason(body, code),
    // A proxy's error page can be long; its beginning says enough for a log line.
    message: messageIn(body) ?? text.slice(0, 500),
    retryAfterMs: wait(retryAfter, body),
  }
}

/** A `Status` that came as the object of a watch's ERROR event. */
export function statusRefusal(status: unknown): Refused {
  const { code } = objectOr(status)
  const refused = codeAndReason(status, typeof code === 'number' ? code : 500)
  return {
    ...refused,
    message: hideTokens(messageIn(status) ?? 'the watch ended with an error').text,
    retryAfterMs: wait(undefined, status),
  }
}

const codeAndReason = (body: unknown, code: number) => ({
  kind: 'refused' as const,
  code,
  reason: asText(objectOr(body)['reason']) ?? '',
  body,
})

const messageIn = (body: unknown): string | undefined => asText(objectOr(body)['message'])

function wait(header: string | undefined, body: unknown): number | undefined {
  const seconds = header ?? objectOr(objectOr(body)['details'])['retryAfterSeconds']
  const ms = Number(seconds ?? Number.NaN) * 1000
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A successful answer, read as JSON. */
export function readable(code: number, text: string, warnings: readonly string[]): Answer {
  try {
    return { kind: 'ok', code, body: text === '' ? undefined : JSON.parse(text), warnings }
  } catch {
    return lost(new Error(`a ${code} answer that is no JSON: ${hideTokens(text.slice(0, 100)).text}`))
  }
}

export const lost = (error: unknown): Lost => ({
  kind: 'lost',
  error: error instanceof Error ? error : new Error(String(error)),
})
