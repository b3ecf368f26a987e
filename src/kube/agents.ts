import type { DispatcherOptions } from '@kubernetes/client-node'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'

type ConnectOptions = Extract<DispatcherOptions, { type: 'agent' }>['connect']

export type Agents = {
  readonly options: DispatcherOptions
  readonly calls: Dispatcher
  readonly watches: Dispatcher
}

/** For a request that hangs in the connection. The same as that of a whole call, in client.ts. */
const callTimeoutMs = 30_000

/** Twice the workers of the loop, so that reviews find a connection while all workers wait for theirs. */
const connectionCap = 64

/** The agents for calls and watches. A SOCKS tunnel can only be built by the library; its one agent serves both. */
export function buildAgents(options: DispatcherOptions, tunnel: Dispatcher | undefined): Agents {
  if (tunnel) return { options, calls: tunnel, watches: tunnel }
  return {
    options,
    calls: agent(options, {
      connections: connectionCap,
      headersTimeout: callTimeoutMs,
      bodyTimeout: callTimeoutMs,
    }),
    watches: agent(options, { headersTimeout: 0, bodyTimeout: 0 }),
  }
}

function agent(options: DispatcherOptions, limits: Agent.Options): Dispatcher {
  const shared: Agent.Options = {
    ...limits,
    // With HTTP/2 all calls would share one connection, and one stalled stream its window.
    allowH2: false,
    // Under the API server's 90 s and the 60 s of common load balancers, so that we are the ones to close.
    keepAliveTimeout: 30_000,
  }
  switch (options.type) {
    case 'proxy':
      return new ProxyAgent({
        ...shared,
        uri: options.uri,
        requestTls: tlsOf(options.requestTls),
        connect: tlsOf(options.connect),
      })
    case 'agent':
      return new Agent({ ...shared, connect: tlsOf(options.connect) })
    case 'socks':
    case 'none':
      return new Agent({ ...shared, connect: tlsOf({}) })
  }
}

/** The library sets neither port nor timeout, and undici's types forbid that they be undefined. */
const tlsOf = ({ port: _port, timeout: _timeout, ...tls }: ConnectOptions) => ({
  ...tls,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
})

/**
 * Closes agents once what they carry has ended. Calls and watches in flight go on: the old certificate was good when
 * they began.
 */
export function retire(agents: Agents | undefined): void {
  for (const old of new Set([agents?.calls, agents?.watches])) old?.close().catch(() => {})
}
