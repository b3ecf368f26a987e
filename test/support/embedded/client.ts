import { Agent, request } from 'undici'
import { recordOf, textOf, type Json } from './json.ts'

export type Reply = {
  readonly code: number
  readonly body: Json
  readonly warnings: readonly string[]
  readonly retryAfter?: string
}

export type WatchEvent = { readonly type: string; readonly object: Json }

export type Watch = {
  /** The next event; undefined once the server has ended the watch. Rejects when the connection breaks. */
  readonly next: () => Promise<WatchEvent | undefined>
  readonly close: () => void
}

export type Client = {
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Reply>
  readonly post: (path: string, body: Json) => Promise<Reply>
  readonly put: (path: string, body: Json) => Promise<Reply>
  /** A JSON merge patch, or a JSON patch if given operations. */
  readonly patch: (path: string, body: Json | readonly Json[]) => Promise<Reply>
  readonly delete: (path: string, options?: Json) => Promise<Reply>
  readonly watch: (path: string) => Promise<Watch>
  readonly close: () => Promise<void>
}

export type Endpoint = { readonly server: string; readonly caPem: string; readonly token: string }

const parse = (text: string): Json => {
  if (!text.startsWith('{')) return { text }
  return recordOf(JSON.parse(text))
}

const warningsIn = (header: string | string[] | undefined): readonly string[] =>
  [header ?? []]
    .flat()
    .flatMap((line) => [...line.matchAll(/299 - "((?:\\.|[^"\\])*)"/g)].map(([, text]) => text ?? ''))

const patchType = (body: unknown): string =>
  `application/${Array.isArray(body) ? 'json-patch' : 'merge-patch'}+json`

async function* linesOf(chunks: AsyncIterable<unknown>): AsyncGenerator<string, undefined> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter((line) => line !== '')
  }
  return undefined
}

/** Bare requests to an API server, with nothing of the operator's own client between. */
export const createClient = ({ server, caPem, token }: Endpoint): Client => {
  const dispatcher = new Agent({ connect: { ca: caPem }, allowH2: false, bodyTimeout: 0 })
  const authorization = `Bearer ${token}`
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> => {
    const reply = await request(`${server}${path}`, {
      method,
      dispatcher,
      headers: { authorization, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const retryAfter = reply.headers['retry-after']
    return {
      code: reply.statusCode,
      body: parse(await reply.body.text()),
      warnings: warningsIn(reply.headers['warning']),
      ...(typeof retryAfter === 'string' ? { retryAfter } : {}),
    }
  }
  return {
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    patch: (path, body) => send('PATCH', path, body, { 'content-type': patchType(body) }),
    delete: (path, options) => send('DELETE', path, options),
    watch: async (path) => {
      const cancel = new AbortController()
      const reply = await request(`${server}${path}`, {
        dispatcher,
        headers: { authorization },
        signal: cancel.signal,
      })
      const lines = linesOf(reply.body.setEncoding('utf8'))
      return {
        next: async () => {
          const { value, done } = await lines.next()
          if (done === true) return undefined
          const event = recordOf(JSON.parse(value))
          return { type: textOf(event['type']), object: recordOf(event['object']) }
        },
        close: () => cancel.abort(),
      }
    },
    close: () => dispatcher.destroy(),
  }
}
