import type { Dispatcher } from 'undici'
import { type Answer, lost, type Lost, readable, type Refused, refusal } from './answer.ts'
import { textOf } from './body-text.ts'
import type { ClusterConfig } from './config.ts'
import { atTheLastMoment } from './last-moment.ts'
import { jsonLines } from './lines.ts'
import { decodeMetadataList, protobufType } from './metadata-list.ts'
import { beforeAbort, timeLimit } from './time-limit.ts'
import { hideTokens } from './tokens.ts'
import { createTransport, type Passage } from './transport.ts'
import { warningsIn } from './warnings.ts'

export { type Answer, failureWords, isTransient, type Lost, type Refused } from './answer.ts'
export { resourcePath } from './path.ts'

export type Query = Readonly<Record<string, string>>

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Query
  /** Sent as JSON; that of a PATCH is a merge patch. */
  readonly body?: unknown
  readonly signal?: AbortSignal
  /** Asked right before the request is written to a connection; if it answers false, nothing is sent and the call is lost. */
  readonly mayStart?: (() => boolean) | undefined
  /** Asks for the metadata of the objects of a list alone. An API server may answer with all of them. */
  readonly metadataOnly?: boolean
  /** A longer answer counts as lost; the rest of it is not waited for. */
  readonly maxBytes?: number
}

/** Once open, `events` yields what the API server sends, ends when it ends the watch, and throws when it breaks. */
export type Watching = { readonly kind: 'open'; readonly events: AsyncIterable<unknown> } | Refused | Lost

export type Client = {
  /** Never rejects: a failure is an answer of kind `refused` or `lost`. A call without an answer after 30 s is lost. */
  readonly call: (call: Call) => Promise<Answer>
  /** Never rejects. Aborting the signal is the only way to end an open watch from this side. */
  readonly watch: (path: string, query: Query, signal: AbortSignal) => Promise<Watching>
  /** Ends every connection at once. Calls that wait for an answer end as `lost`. */
  readonly close: () => Promise<void>
}

export type ClientOptions = {
  /** Told of every answer, for metrics; `ms` is the whole time, or that until a watch opened. */
  readonly onAnswer?: (method: Call['method'] | 'WATCH', code: number | 'lost', ms: number) => void
  /**
   * Told of each token of a webhook that an answer of the API server contained. The token is taken out of the answer,
   * since answers end in logs and statuses.
   */
  readonly onTokenShown?: (token: string) => void
  readonly userAgent?: string
  /**
   * For one call, in ms. 30 s unless set: half of what the API server gives a request, so that a hung one leaves time
   * for another try.
   */
  readonly timeoutMs?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

export function createClient(config: ClusterConfig, options: ClientOptions = {}): Client {
  const { onAnswer, onTokenShown, userAgent = 'kleym-operator', timeoutMs = 30_000 } = options
  const transport = createTransport(config, options.now ?? (() => performance.now()))
  const { origin, pathname } = new URL(config.server)
  const prefix = pathname.replace(/\/$/v, '')

  // Origin and path are handed over apart: as one URL it would be parsed, and `..` in it followed.
  const send = ({ path, query }: Pick<Call, 'path' | 'query'>, passage: Passage, rest: Rest) => ({
    ...rest,
    origin,
    path: `${prefix}${path}${queryString(query)}`,
    headers: { ...passage.headers, accept: 'application/json', ...rest.headers, 'user-agent': userAgent },
  })

  const hidden = (text: string): string => {
    const { text: rest, tokens } = hideTokens(text)
    for (const token of tokens) onTokenShown?.(token)
    return rest
  }

  const refusedBy = async ({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Refused> => {
    const retryAfter = headers['retry-after']
    return refusal(
      statusCode,
      hidden(await body.text()),
      typeof retryAfter === 'string' ? retryAfter : undefined,
    )
  }

  async function attempt(call: Call, passage: Passage, signal: AbortSignal): Promise<Answer> {
    const { method, body } = call
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const rest = { method, signal, ...sent, headers: headersOf(call) }
    const calls = call.mayStart ? passage.calls.compose(atTheLastMoment(call.mayStart)) : passage.calls
    const response = await calls.request(send(call, passage, rest))
    if (!isSuccess(response)) return refusedBy(response)
    const warnings = warningsIn(response.headers['warning']).map(hidden)
    if (isProtobuf(response)) {
      const list = decodeMetadataList(Buffer.from(await response.body.arrayBuffer()))
      return { kind: 'ok', code: response.statusCode, body: list, warnings }
    }
    return readable(response.statusCode, await textOf(response.body, call.maxBytes), warnings)
  }

  async function open(path: string, query: Query, passage: Passage, signal: AbortSignal): Promise<Watching> {
    const watch = { path, query: { ...query, watch: 'true' } }
    const response = await passage.watches.request(send(watch, passage, { method: 'GET', signal }))
    if (!isSuccess(response)) return refusedBy(response)
    return { kind: 'open', events: jsonLines(response.body) }
  }

  /**
   * Tries with the credentials at hand, and once more with others where the API server does not accept those (401) and others can
   * be had. A 401 comes before anything is done, so that a write, too, can be repeated.
   */
  async function answered<A extends Answer | Watching>(
    asking: Asking,
    attempted: (passage: Passage) => Promise<A>,
  ): Promise<A | Lost> {
    const { signal } = asking
    let passage: Passage | undefined
    const first = await counted(asking, async () => {
      passage = await beforeAbort(signal, transport.passage())
      return attempted(passage)
    })
    if (codeOf(first) !== 401 || !passage) return first
    try {
      const other = await beforeAbort(signal, transport.renewed(passage))
      return other ? await counted(asking, () => attempted(other)) : first
    } catch (error) {
      return lost(signal.aborted ? signal.reason : error)
    }
  }

  /** What an attempt comes to, with or without an answer, told to `onAnswer`. */
  async function counted<A extends Answer | Watching>(
    { method, signal }: Asking,
    attempted: () => Promise<A>,
  ): Promise<A | Lost> {
    const started = performance.now()
    const answer = await attempted().catch((error: unknown) => {
      if (signal.aborted) return lost(signal.reason)
      transport.doubt()
      return lost(error)
    })
    onAnswer?.(method, codeOf(answer), performance.now() - started)
    return answer
  }

  return {
    call: async (call) => {
      using limit = timeLimit(timeoutMs, call.signal)
      const { signal } = limit
      return await answered({ method: call.method, signal }, (passage) => attempt(call, passage, signal))
    },
    watch: (path, query, signal) =>
      answered({ method: 'WATCH', signal }, (passage) => open(path, query, passage, signal)),
    close: () => transport.close(),
  }
}

type Rest = {
  readonly method: Call['method']
  readonly signal: AbortSignal
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

type Asking = { readonly method: Call['method'] | 'WATCH'; readonly signal: AbortSignal }

const queryString = (query: Query = {}): string =>
  Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query).toString()}`

const headersOf = ({ method, body, metadataOnly = false }: Call): Rest['headers'] & {} => ({
  ...(body !== undefined && {
    'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
  }),
  ...(metadataOnly && {
    accept: `${protobufType}${metadataList}, application/json${metadataList}, application/json`,
  }),
})

const metadataList = ';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

const codeOf = (answer: Answer | Watching): number | 'lost' =>
  answer.kind === 'lost' ? 'lost' : answer.kind === 'open' ? 200 : answer.code

const isProtobuf = ({ headers }: Dispatcher.ResponseData): boolean =>
  String(headers['content-type']).startsWith(protobufType)

const isSuccess = ({ statusCode }: Dispatcher.ResponseData): boolean => statusCode >= 200 && statusCode < 300
