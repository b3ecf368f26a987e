import { isDeepStrictEqual } from 'node:util'
import {
  type Cluster,
  type DispatcherOptions,
  HttpMethod,
  KubeConfig,
  RequestContext,
  type User,
} from '@kubernetes/client-node'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { objectOr, textOr } from '../core/json.ts'
import type { ClusterConfig } from './config.ts'
import type { Headers } from './impersonation.ts'

/** What one request is sent with. */
export type Passage = {
  readonly headers: Headers
  /** For requests that end: connections are capped, and silence is cut off. */
  readonly calls: Dispatcher
  /** For watches, which may be quiet for long and must not use up the connections of the others. */
  readonly watches: Dispatcher
}

export type Transport = {
  /** @throws Error (the promise rejects) where there are no credentials: a file is gone, or an exec plugin fails */
  passage(): Promise<Passage>
  /** A request failed, perhaps for its credentials: the next one looks at them again. */
  doubt(): void
  /** The API server did not accept the credentials (401): the next request asks for them anew, an exec plugin included. */
  reject(): void
  /** Ends every connection at once. */
  close(): Promise<void>
}

type ConnectOptions = Extract<DispatcherOptions, { type: 'agent' }>['connect']

type Agents = {
  readonly options: DispatcherOptions
  readonly calls: Dispatcher
  readonly watches: Dispatcher
}

/** For a request that hangs in the connection. The same as that of a whole call, in client.ts. */
const callTimeoutMs = 30_000

/** Twice the workers of the loop, so that reviews find a connection while all workers wait for theirs. */
const connectionCap = 64

/**
 * All requests within this time use one look at the credentials. At each look the library reads the files of the CA and of the client
 * certificate from disk.
 */
const credentialsHoldMs = 100

/** So that an account that no API server accepts does not have its exec plugin run for each request. */
const askAgainAfterMs = 10_000

/**
 * Connections that are shared by all requests. The library has an agent of its own, so a TLS handshake, for each
 * request; here there is one pair of agents, replaced only when CA, client certificate or proxy change.
 */
export function createTransport(
  { server, credentials, headers: ours }: ClusterConfig,
  now: () => number,
): Transport {
  let security = new Security(credentials)
  let askedAnewAt = Number.NEGATIVE_INFINITY
  let agents: Agents | undefined
  let latest: { readonly at: number; readonly passage: Promise<Passage> } | undefined
  const look = async (): Promise<Passage> => {
    const context = new RequestContext(server, HttpMethod.GET)
    const asked = security
    await asked.applySecurityAuthentication(context).catch((error: unknown) => {
      throw new Error(credentialsProblem(error, asked.getCurrentUser()))
    })
    const { options } = asked
    if (!agents || !isDeepStrictEqual(agents.options, options)) {
      retire(agents)
      agents = build(options, context.getDispatcher())
    }
    const headers = { ...trimmed(context.getHeaders()), ...ours }
    return { headers, calls: agents.calls, watches: agents.watches }
  }
  return {
    passage() {
      const at = now()
      if (!latest || at - latest.at > credentialsHoldMs) latest = { at, passage: look() }
      return latest.passage
    },
    doubt() {
      latest = undefined
    },
    reject() {
      latest = undefined
      if (now() - askedAnewAt < askAgainAfterMs) return
      askedAnewAt = now()
      // The library keeps what an exec plugin gave until the time that it names, and for good where it names none.
      security = new Security(credentials)
    },
    async close() {
      await Promise.all([agents?.calls.destroy(), agents?.watches.destroy()])
    },
  }
}

/**
 * Why there are no credentials, in words of ours. The library's own words can't be used: they hold what an exec
 * plugin printed, or what a file with a token holds. Only errors of the file system are passed on, which name no more than a path.
 */
function credentialsProblem(error: unknown, user: User | null): string {
  if (error instanceof Error && 'syscall' in error) return error.message
  const command = textOr(objectOr(user?.exec)['command'], '')
  if (command === '') return `the credentials of user ${JSON.stringify(user?.name ?? '')} can't be had`
  const plugin = `the exec plugin ${JSON.stringify(command)} of user ${JSON.stringify(user?.name ?? '')}`
  if (error instanceof SyntaxError) return `${plugin} printed something that is no JSON`
  if (error instanceof TypeError) return `${plugin} printed no ExecCredential with a status`
  return `${plugin} failed; run it by hand to see what it says`
}

/** The library's credentials, that say how they would connect instead of making an agent. */
class Security extends KubeConfig {
  options: DispatcherOptions = { type: 'none' }

  constructor(config: KubeConfig) {
    super()
    this.loadFromOptions(config)
  }

  override createDispatcherOptions(
    cluster: Cluster | null,
    agentOptions: Parameters<KubeConfig['createDispatcherOptions']>[1],
  ): DispatcherOptions {
    this.options = super.createDispatcherOptions(cluster, agentOptions)
    return this.options.type === 'socks' ? this.options : { type: 'none' }
  }
}

/** The agents for calls and watches. A SOCKS tunnel can only be built by the library; its one agent serves both. */
function build(options: DispatcherOptions, tunnel: Dispatcher | undefined): Agents {
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
function retire(agents: Agents | undefined): void {
  for (const old of new Set([agents?.calls, agents?.watches])) old?.close().catch(() => {})
}

/**
 * Header values without outer white space. A token file that ends with a line break would otherwise give an illegal
 * header.
 */
const trimmed = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.trim()]))
