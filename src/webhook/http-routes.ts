import type { Http2SecureServer } from 'node:http2'
import type { FastifyError, FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify'
import type { Log } from '../log.ts'
import {
  decodeReview,
  encodeReview,
  type AdmissionRequest,
  type AdmissionResponse,
} from './admission-review.ts'
import { readJson, type Json } from './body-json.ts'
import { budgetMs, timeoutMs, type Deadlines } from './deadline.ts'
import type { App, Timeouts } from './listener.ts'
import { refusalOf, refusals, statusBody, type Refusal } from './refusal.ts'
import { calledIn, type Called } from './token.ts'
import { Undecided } from './undecided.ts'

/**
 * Decides about a request. The signal aborts at the API server's deadline. If the promise rejects, the answer is HTTP 500 and
 * the webhook's `failurePolicy` decides.
 */
export type Review = (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>

export type Observed = 'allowed' | 'denied' | 'error' | 'malformed'

/** Called once for each request to a route, with the seconds since it arrived. */
export type Observe = (route: string, outcome: Observed, seconds: number, request?: AdmissionRequest) => void

type Reach = {
  readonly routes: Readonly<Record<string, Review>>
  readonly admits: (token: string) => boolean
  /** A call with a token came from this address. */
  readonly cameWithToken: (address: string) => void
  /** A call without a token came from this address. */
  readonly turnedAway: (address: string) => void
  readonly log: Log
  readonly reserveMs: number
  readonly timeouts: Timeouts
  readonly observe: Observe | undefined
  readonly deadlines: Deadlines
  readonly isClosing: () => boolean
}

type Request = FastifyRequest<RouteGenericInterface, Http2SecureServer>
type Reply = FastifyReply<RouteGenericInterface, Http2SecureServer>

/** How a call ended. Only `respond` turns this into HTTP. */
type CallEnd =
  | { readonly kind: AdmissionResponse['kind']; readonly body: string; readonly asked: AdmissionRequest }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly asked?: AdmissionRequest }

export function addRoutes(app: App, reach: Reach): void {
  acceptJson(app)
  limitBodies(app, reach)
  // The token is checked before anything else of the request is looked at, and before its body is read.
  app.addHook('onRequest', (request, reply, done) => {
    const called = calledBy(reach, request)
    if (!called) turnAway(reach, request, reply)
    else if (request.is404) respond(reach, request, reply, refused(misdirected(reach, request, called)))
    else done()
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    // A request with a method that fastify does not know comes here without passing the hook.
    const called = calledBy(reach, request)
    if (!called) return turnAway(reach, request, reply)
    const refusal = request.is404 ? misdirected(reach, request, called) : refusalOf(error)
    if (!refusal) reach.log.error({ err: error }, 'the webhook server failed')
    respond(reach, request, reply, refused(refusal ?? refusals.failed()))
  })
  for (const [route, review] of Object.entries(reach.routes)) {
    app.post<{ Querystring: { timeout?: unknown }; Body: Json | undefined }>(
      `/${route}/:token`,
      async (request, reply) => {
        const timeout = timeoutMs(request.query.timeout)
        const budget = budgetMs(timeout, reach.reserveMs) - reply.elapsedTime
        respond(reach, request, reply, await answerTo(reach, request.body, review, budget))
        return reply
      },
    )
  }
}

/** The route and token of a call; undefined for a call without a valid token. */
function calledBy({ admits, cameWithToken }: Reach, request: Request): Called | undefined {
  const called = calledIn(request.url)
  if (!called || !admits(called.token)) return undefined
  cameWithToken(request.ip)
  return called
}

/** Gives every call without a token the same answer. The unread part of its body is not waited for. */
function turnAway({ turnedAway }: Reach, request: Request, reply: Reply): void {
  turnedAway(request.ip)
  const isLarge = !(Number(request.headers['content-length'] ?? 0) <= largestUnreadBytes)
  if (isLarge || request.headers['transfer-encoding'] !== undefined) reply.header('connection', 'close')
  answer(request, reply, refusals.stranger.code, strangersAnswer)
}

const largestUnreadBytes = 65_536

const strangersAnswer = statusBody(refusals.stranger)

async function answerTo(
  reach: Reach,
  body: Json | undefined,
  review: Review,
  budget: number,
): Promise<CallEnd> {
  if (body?.kind !== 'json') {
    const message = body?.message ?? 'the body is empty'
    return refused(refusals.badRequest(`${message}, expected the JSON of an AdmissionReview`))
  }
  const decoded = decodeReview(body.value)
  if (decoded.kind === 'problem') return refused(refusals.badRequest(decoded.message, decoded.uid))
  const asked = decoded.request
  const { uid } = asked
  try {
    const timed = await reach.deadlines.within(budget, (signal) => review(asked, signal))
    if (timed.kind === 'late') {
      reach.log.warn({ uid, budgetMs: Math.round(budget) }, 'an admission review was not done in time')
      return refused(refusals.late(uid), asked)
    }
    return { kind: timed.answer.kind, body: encodeReview(uid, timed.answer), asked }
  } catch (error) {
    if (error instanceof Undecided) {
      reach.log.warn({ uid, why: error.message }, 'an admission review was not decided')
      return refused(refusals.undecided(error.message, uid), asked)
    }
    // The uid finds the request in the audit log; the object may hold what is not for logs.
    reach.log.error({ uid, err: error }, 'an admission review failed')
    return refused(refusals.failed(uid), asked)
  }
}

function respond(reach: Reach, request: Request, reply: Reply, outcome: CallEnd): void {
  const [code, body] =
    outcome.kind === 'refused' ? [outcome.refusal.code, statusBody(outcome.refusal)] : [200, outcome.body]
  if (code === 405) reply.header('allow', 'POST')
  if (reach.isClosing()) reply.header('connection', 'close')
  answer(request, reply, code, body)
  if (request.is404) return
  if (outcome.kind === 'refused' && code < 500) {
    const { message, uid } = outcome.refusal
    reach.log.warn({ route: routeOf(request), code, uid, client: request.ip }, `refused a call: ${message}`)
  }
  reach.observe?.(routeOf(request), observed(outcome), reply.elapsedTime / 1000, outcome.asked)
}

const routeOf = ({ url }: Request): string => calledIn(url)?.route ?? ''

function answer(request: Request, reply: Reply, code: number, body: string): void {
  if (request.raw.httpVersionMajor > 1) {
    // fastify sets it where a body is left unread. HTTP/2 ends the stream instead, once the answer is out; it would
    // stay open for as long as the client keeps sending.
    reply.removeHeader('connection')
    const { stream, readableEnded } = request.raw
    if (!readableEnded) stream.once('finish', () => stream.close())
  }
  reply.code(code).type('application/json').send(body)
}

function observed(outcome: CallEnd): Observed {
  if (outcome.kind !== 'refused') return outcome.kind
  return outcome.refusal.code < 500 ? 'malformed' : 'error'
}

const refused = (refusal: Refusal, asked?: AdmissionRequest): CallEnd => ({
  kind: 'refused',
  refusal,
  ...(asked && { asked }),
})

const misdirected = ({ routes }: Reach, { method }: Request, { route }: Called): Refusal =>
  Object.hasOwn(routes, route) ? refusals.wrongMethod(method) : refusals.notFound(Object.keys(routes))

/** Parses JSON bodies. A body that is no JSON is passed on, and the route refuses it like any other wrong body. */
function acceptJson(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, text, done) => {
    done(null, readJson(text))
  })
}

/**
 * Limits the time for a body. A body that arrives byte by byte would otherwise keep its stream and its memory for
 * ever.
 */
function limitBodies(app: App, reach: Reach): void {
  const { body: limitMs } = reach.timeouts
  app.addHook('preParsing', (request, reply, payload, done) => {
    const timer = setTimeout(() => {
      if (reply.sent) return
      reply.header('connection', 'close')
      respond(reach, request, reply, refused(refusals.slowBody(limitMs)))
    }, limitMs)
    const received = (): void => clearTimeout(timer)
    payload.once('end', received).once('close', received)
    done(null, payload)
  })
}
