import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { writeKubeconfig } from '../embedded/kubeconfig.ts'
import { listen } from '../embedded/listen.ts'
import { answerExpired, answerStatus, expiredEvent, isOfGroup, relayWithoutGroups } from './answers.ts'
import { Faults, isWatch, matches, type Asked, type Fault, type Match } from './faults.ts'
import { Watches } from './watches.ts'

export type FaultProxy = {
  /** `https://127.0.0.1:<port>`, the same after `down` and `up`. */
  readonly server: string
  readonly caPem: string
  /** A kubeconfig file that leads through the proxy; gone after `stop`. */
  readonly kubeconfig: (token: string) => Promise<string>
  readonly faults: Faults
  /** How many matching watches are open. */
  readonly openWatches: (match?: Match) => number
  /** Each of these gives the number of open watches it hit. */
  readonly cutWatches: (match?: Match) => number
  readonly silenceWatches: (match?: Match) => number
  readonly expireWatches: (match?: Match) => number
  /** How many matching requests have reached the server. */
  readonly passed: (match?: Match) => number
  /** Cuts every connection and refuses new ones, until `up`. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
  readonly stop: () => Promise<void>
}

export type Target = { readonly server: string; readonly caPem: string }

type Exchange = {
  readonly asked: Asked
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Sends the request on; the answer, or nothing when the server could not be reached. */
const forward = async (
  target: Target,
  agent: Agent,
  { asked, request, response }: Exchange,
): Promise<IncomingMessage | undefined> => {
  const { 'accept-encoding': _, ...headers } = request.headers
  const outgoing = httpsRequest(new URL(asked.path, target.server), {
    method: asked.method,
    headers: { ...headers, host: new URL(target.server).host },
    agent,
  })
  request.pipe(outgoing)
  response.on('close', () => outgoing.destroy())
  const answered = once(outgoing, 'response').then(([message]): IncomingMessage => message)
  return answered.catch(() => undefined)
}

const relay = (upstream: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(upstream.statusCode ?? 502, upstream.headers)
  upstream.on('error', () => response.destroy())
  upstream.pipe(response)
}

type Way = {
  readonly pass: (exchange: Exchange, fault?: Fault) => Promise<void>
  readonly reset: (exchange: Exchange) => void
}

const openWay = (
  target: Target,
  agent: Agent,
  watches: Watches,
  passed: Asked[],
  reset: Way['reset'],
): Way => ({
  reset,
  pass: async (exchange, fault) => {
    const { asked, response } = exchange
    passed.push(asked)
    const upstream = await forward(target, agent, exchange)
    if (upstream === undefined) {
      reset(exchange)
    } else if (fault?.kind === 'lostResponse') {
      await upstream.resume().toArray()
      reset(exchange)
    } else if (fault?.kind === 'withoutGroups') {
      await relayWithoutGroups(upstream, response, fault.groups)
    } else if (isWatch(asked) && upstream.statusCode === 200) {
      response.writeHead(200, upstream.headers)
      response.flushHeaders()
      watches.relay(asked, upstream, response, fault?.kind === 'silence')
    } else {
      relay(upstream, response)
    }
  },
})

const meet = async (exchange: Exchange, fault: Fault | undefined, { pass, reset }: Way): Promise<void> => {
  const { asked, response } = exchange
  switch (fault?.kind) {
    case 'status':
      answerStatus(response, fault.code, fault.retryAfterSeconds)
      return
    case 'expired':
      answerExpired(response, isWatch(asked))
      return
    case 'reset':
      reset(exchange)
      return
    case 'slow':
      await delay(fault.ms)
      // If the client has given up meanwhile, its request is not passed on, because the body may be incomplete.
      return response.destroyed ? undefined : pass(exchange)
    case 'silence':
      return isWatch(asked) ? pass(exchange, fault) : undefined
    case 'withoutGroups':
      if (!isOfGroup(asked.path, fault.groups)) return pass(exchange, fault)
      answerStatus(response, 404)
      return
    case 'lostResponse':
    case undefined:
      return pass(exchange, fault)
  }
}

/** Stands in front of an API server, TLS in and TLS out, and passes everything on until told otherwise. */
export const startFaultProxy = async (target: Target): Promise<FaultProxy> => {
  const agent = new Agent({ keepAlive: true, ca: target.caPem })
  const faults = new Faults()
  const passed: Asked[] = []
  const { server, caPem, reset, down, up } = await listen((request, response) => {
    const asked = { method: request.method ?? 'GET', path: request.url ?? '/' }
    meet({ asked, request, response }, faults.take(asked), way).catch(() => response.destroy())
  })
  const watches = new Watches((response) => reset(response.socket))
  const way = openWay(target, agent, watches, passed, ({ request }) => reset(request.socket))
  const cleanUp = new AsyncDisposableStack()
  cleanUp.defer(async () => agent.destroy())
  cleanUp.defer(down)

  return {
    server,
    caPem,
    kubeconfig: async (token) => {
      const file = await writeKubeconfig(server, caPem, token)
      cleanUp.defer(file.remove)
      return file.path
    },
    faults,
    openWatches: (match) => watches.count(match),
    cutWatches: (match) => watches.cut(match),
    silenceWatches: (match) => watches.silence(match),
    expireWatches: (match) => watches.finishWith(expiredEvent(), match),
    passed: (match = {}) => passed.filter((asked) => matches(match, asked)).length,
    down,
    up,
    stop: () => cleanUp.disposeAsync(),
  }
}
