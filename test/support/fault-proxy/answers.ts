import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { isRecord, listOf, recordOf, textOf, type Json } from '../embedded/json.ts'
import { expired, failure } from '../embedded/status.ts'

const reasons: Readonly<Record<number, string>> = {
  408: 'Timeout',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

export const answerStatus = (response: ServerResponse, code: number, retryAfterSeconds?: number): void => {
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  })
  response.end(JSON.stringify(failure(code, reasons[code] ?? '', 'injected by the fault proxy')))
}

export const expiredEvent = (): string =>
  `${JSON.stringify({ type: 'ERROR', object: expired('too old resource version: 1 (2)') })}\n`

export const answerExpired = (response: ServerResponse, isWatch: boolean): void => {
  if (!isWatch) {
    answerStatus(response, 410)
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(expiredEvent())
}

/** The name of a group in legacy (`groups`) and in aggregated (`items`) discovery. */
const groupName = (entry: unknown): string => {
  const { name, metadata } = recordOf(entry)
  return textOf(name) || textOf(recordOf(metadata)['name'])
}

const without = (document: Json, hidden: readonly string[]): Json =>
  Object.fromEntries(
    Object.entries(document).map(([key, value]) => [
      key,
      ['groups', 'items'].includes(key)
        ? listOf(value).filter((entry) => !hidden.includes(groupName(entry)))
        : value,
    ]),
  )

export const isOfGroup = (path: string, groups: readonly string[]): boolean =>
  groups.some((group) => path === `/apis/${group}` || /^\/apis\/([^/]+)\/[^/]+$/.exec(path)?.[1] === group)

/** Passes a discovery document on, without some groups. */
export const relayWithoutGroups = async (
  upstream: IncomingMessage,
  response: ServerResponse,
  groups: readonly string[],
): Promise<void> => {
  const document: unknown = await json(upstream)
  const { 'content-length': _, ...headers } = upstream.headers
  response.writeHead(upstream.statusCode ?? 502, headers)
  response.end(JSON.stringify(isRecord(document) ? without(document, groups) : document))
}
