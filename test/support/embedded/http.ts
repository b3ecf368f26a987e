import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Api, Call } from './api.ts'
import type { Counters } from './counters.ts'
import { discover } from './discovery.ts'
import { groupResource } from './kind.ts'
import { route } from './route.ts'
import { failure, Refusal, unauthorized } from './status.ts'
import { table, wantsTable, type TableOptions } from './table.ts'
import { perform, verbOf, type Answer } from './verbs.ts'
import { watch } from './watching.ts'

export type Front = {
  readonly api: Api
  /** The user a bearer token stands for. */
  readonly userOf: (token: string) => string | undefined
  readonly counters: Counters
  readonly bookmarkEveryMs: number
}

const plainHeaders = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }

const tableOptions = (request: IncomingMessage, query: URLSearchParams): TableOptions | undefined =>
  wantsTable(request.headers.accept ?? '')
    ? { includeObject: query.get('includeObject'), now: Date.now() }
    : undefined

const answerTo = (error: unknown): Answer => {
  if (error instanceof Refusal) return { code: error.status.code ?? 500, body: error.status }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 500, body: failure(500, 'InternalError', message) }
}

const startWatch = (
  { api, bookmarkEveryMs }: Front,
  call: Call,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const asTable = tableOptions(request, call.query)
  const sink = {
    send: (event: object) => response.write(`${JSON.stringify(event)}\n`),
    end: () => response.end(),
  }
  response.writeHead(200, plainHeaders)
  response.flushHeaders()
  const stop = watch(api, call, sink, {
    bookmarkEveryMs,
    encode: (object) => {
      const { resourceVersion } = object.metadata
      return asTable === undefined ? object : table(call.kind, [object], { resourceVersion }, asTable)
    },
  })
  response.on('close', stop)
}

const send = (response: ServerResponse, { code, body }: Answer, warnings: readonly string[]): void => {
  if (warnings.length > 0) {
    response.setHeader(
      'warning',
      warnings.map((warning) => `299 - ${JSON.stringify(warning)}`),
    )
  }
  response.writeHead(code, plainHeaders)
  response.end(JSON.stringify(body))
}

const bearer = (request: IncomingMessage): string =>
  /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''

const serveResource = async (
  front: Front,
  call: Call,
  warnings: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { verb } = call
  const resource = [groupResource(call.kind), call.subresource].filter((part) => part !== '').join('/')
  if (verb === 'watch') {
    front.counters.count(verb, resource, 200)
    startWatch(front, call, request, response)
    return
  }
  const contentType = (request.headers['content-type'] ?? '').split(';').at(0) ?? ''
  const asTable = tableOptions(request, call.query)
  const incoming = {
    contentType,
    body: await text(request),
    ...(asTable === undefined ? {} : { asTable }),
  }
  const answer = await perform(front.api, call, incoming).catch(answerTo)
  front.counters.count(verb, resource, answer.code)
  send(response, answer, warnings)
}

/** One request: who asks, what for, and the one exit that always answers. */
const serve = async (front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? '/', 'https://embedded')
  const user = front.userOf(bearer(request))
  if (user === undefined) throw unauthorized()
  if (['/healthz', '/livez', '/readyz'].includes(url.pathname)) {
    response.end('ok')
    return
  }
  const about = discover(url.pathname, front.api.kinds.all())
  if (about !== undefined) {
    send(response, { code: 200, body: about }, [])
    return
  }
  const found = route(url.pathname, front.api.kinds)
  if (found === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
    return
  }
  const warnings: string[] = []
  const warn = (warning: string): void => void warnings.push(warning)
  const query = url.searchParams
  const verb = verbOf(request.method ?? 'GET', found.name, query)
  await serveResource(front, { ...found, verb, query, user, warn }, warnings, request, response)
}

export const listener =
  (front: Front) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    serve(front, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(response, answerTo(error), [])
    })
  }
