import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Client, type ClientOptions, createClient } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { loopbackTls } from '../support/embedded/tls.ts'

export type Headers = Readonly<Record<string, string>>

/** How to wait for a condition: briefly as a rule, patiently on a busy machine. */
export const soon = { timeout: 20_000, interval: 5 }

/** One request, and what the test makes of it. */
export type Exchange = {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
  /** Settles when the client is gone or the answer is complete. */
  readonly closed: Promise<unknown>
  answer(code: number, body: unknown, headers?: Headers): void
  /** A raw piece of a 200 that stays open. */
  write(chunk: string): void
  event(type: string, object: object): void
  end(): void
  /** Cuts the connection where it is. */
  reset(): void
}

export type Scripted = AsyncDisposable & {
  readonly url: string
  readonly folder: string
  /** The next request that nobody has taken yet. */
  next(): Promise<Exchange>
  /** How many requests wait to be taken. */
  waiting(): number
  /** How many TLS connections there have been. */
  connections(): number
  kubeconfig(user?: object): string
  client(options?: ClientOptions): Client
}

/** A real HTTPS server on loopback that answers nothing by itself: the test answers request by request. */
export async function startScripted(): Promise<Scripted> {
  const tls = loopbackTls()
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'scripted-'))
  stack.defer(() => rmSync(folder, { recursive: true }))
  const inbox: Exchange[] = []
  const takers: ((exchange: Exchange) => void)[] = []
  let connections = 0

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = exchangeOf(request, response, await text(request))
    const taker = takers.shift()
    if (taker) taker(exchange)
    else inbox.push(exchange)
  }

  const server = createServer({ key: tls.keyPem, cert: tls.certPem }, (request, response) => {
    void receive(request, response)
  })
  server.on('secureConnection', () => (connections += 1))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  const url = `https://127.0.0.1:${portOf(server.address())}`
  const own = stack.move()

  function kubeconfig(user: object = { token: 'secret' }): string {
    const file = join(folder, 'kubeconfig')
    const cluster = { server: url, 'certificate-authority-data': Buffer.from(tls.caPem).toString('base64') }
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'scripted', cluster }],
      users: [{ name: 'me', user }],
      contexts: [{ name: 'test', context: { cluster: 'scripted', user: 'me', namespace: 'home' } }],
      'current-context': 'test',
    }
    writeFileSync(file, JSON.stringify(config))
    return file
  }

  return {
    url,
    folder,
    kubeconfig,
    waiting: () => inbox.length,
    connections: () => connections,
    next() {
      const exchange = inbox.shift()
      return exchange ? Promise.resolve(exchange) : new Promise((resolve) => takers.push(resolve))
    },
    client(options) {
      const client = createClient(loadKubeConfig({ kubeconfig: kubeconfig() }), options)
      own.defer(() => client.close())
      return client
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  }
}

export const status = (code: number, reason: string, message = `scripted ${reason}`) => ({
  apiVersion: 'v1',
  kind: 'Status',
  status: 'Failure',
  code,
  reason,
  message,
})

function exchangeOf(request: IncomingMessage, response: ServerResponse, body: string): Exchange {
  const url = request.url ?? ''
  const [path = '', query = ''] = url.split('?')
  const write = (chunk: string) => void response.write(chunk)
  return {
    method: request.method ?? '',
    path,
    query: Object.fromEntries(new URLSearchParams(query)),
    headers: request.headers,
    body: body === '' ? undefined : JSON.parse(body),
    closed: once(response, 'close'),
    answer(code, answer, headers = {}) {
      response.writeHead(code, { 'content-type': 'application/json', ...headers })
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    },
    write,
    event: (type, object) => write(`${JSON.stringify({ type, object })}\n`),
    end: () => void response.end(),
    reset: () => void request.socket.destroy(),
  }
}

export const portOf = (address: string | AddressInfo | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0
