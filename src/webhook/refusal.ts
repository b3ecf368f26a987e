/** Why a call is not reviewed. Codes and reasons are those of metav1.Status. */
export type Refusal = {
  readonly code: number
  readonly reason: string
  readonly message: string
  readonly uid?: string | undefined
}

export const maxBodyBytes = 7 * 1024 * 1024

const badRequest = (message: string, uid?: string): Refusal => ({
  code: 400,
  reason: 'BadRequest',
  message,
  uid,
})

export const refusals = {
  badRequest,
  /** For every call without a token, whatever else is wrong with it, so that the answer reveals nothing. */
  stranger: {
    code: 403,
    reason: 'Forbidden',
    message: 'the path of the call does not end in a token of this webhook',
  } satisfies Refusal,
  notFound: (routes: readonly string[]): Refusal => ({
    code: 404,
    reason: 'NotFound',
    message: `there is no such webhook, expected one of ${routes.join(', ')}`,
  }),
  wrongMethod: (method: string): Refusal => ({
    code: 405,
    reason: 'MethodNotAllowed',
    message: `the method is ${method}, expected POST`,
  }),
  slowBody: (ms: number): Refusal => ({
    code: 408,
    reason: 'Timeout',
    message: `the body did not arrive within ${ms / 1000} s`,
  }),
  late: (uid: string): Refusal => ({
    code: 500,
    reason: 'InternalError',
    message: 'the review was not done within the timeout of this call; nothing was decided',
    uid,
  }),
  undecided: (why: string, uid: string): Refusal => ({
    code: 500,
    reason: 'InternalError',
    message: `nothing was decided: ${why}`,
    uid,
  }),
  failed: (uid?: string): Refusal => ({
    code: 500,
    reason: 'InternalError',
    message: 'the review failed, nothing was decided; the log of the webhook says why',
    uid,
  }),
} as const

/** The refusal for an error of fastify about a body; undefined for any other error, which is a bug of ours. */
export function refusalOf(error: {
  readonly code?: unknown
  readonly statusCode?: unknown
}): Refusal | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return {
        code: 413,
        reason: 'RequestEntityTooLarge',
        message: `the body has more than ${maxBodyBytes} bytes`,
      }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return {
        code: 415,
        reason: 'UnsupportedMediaType',
        message: 'the content type is not JSON, expected application/json',
      }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return badRequest('the body is not as long as its content-length says')
    default:
      // A body stream that broke off: fastify gives it the status code.
      return error.statusCode === 400 ? badRequest('the body could not be read') : undefined
  }
}

/** The refusal as a metav1.Status, whose message client-go, and so the API server, shows to the user. */
export function statusBody({ code, reason, message, uid }: Refusal): string {
  const details = uid === undefined ? {} : { details: { uid } }
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...details,
    code,
  })
}
