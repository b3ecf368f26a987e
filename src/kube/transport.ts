import { isDeepStrictEqual } from 'node:util'
import {
  type Cluster,
  type DispatcherOptions,
  HttpMethod,
  KubeConfig,
  RequestContext,
  type User,
} from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import { objectOr, textOr } from '../core/json.ts'
import { buildAgents, retire, type Agents } from './agents.ts'
import type { ClusterConfig } from './config.ts'
import type { Headers } from './impersonation.ts'

/** What one request is sent with. */
export type Passage = {
  readonly headers: Headers
  /** For requests that end: connections are capped, and silence is cut off. */
  readonly calls: Dispatcher
  /** For watches, which may be quiet for long and must not use up the connections of the others. */
  readonly watches: Dispatcher
  /** Grows with each time that credentials are asked for anew. */
  readonly generation: number
}

export type Transport = {
  /** @throws Error (the promise rejects) where there are no credentials: a file is gone, or an exec plugin fails */
  passage(): Promise<Passage>
  /** A request failed, perhaps for its credentials: the next one looks at them again. */
  doubt(): void
  /**
   * The API server did not accept the credentials of a passage (401). Asks for them anew, an exec plugin included, and resolves to a
   * passage with others; undefined where they are still the same.
   *
   * @throws Error (the promise rejects) where there are no credentials any more
   */
  renewed(rejected: Passage): Promise<Passage | undefined>
  /** Ends every connection at once. */
  close(): Promise<void>
}

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
  let generation = 0
  let askedAnewAt = Number.NEGATIVE_INFINITY
  let agents: Agents | undefined
  let latest: { readonly at: number; readonly passage: Promise<Passage> } | undefined
  const look = async (): Promise<Passage> => {
    const context = new RequestContext(server, HttpMethod.GET)
    const asked = { security, generation }
    await asked.security.applySecurityAuthentication(context).catch((error: unknown) => {
      throw new Error(credentialsProblem(error, asked.security.getCurrentUser()))
    })
    const { options } = asked.security
    if (!agents || !isDeepStrictEqual(agents.options, options)) {
      retire(agents)
      agents = buildAgents(options, context.getDispatcher())
    }
    const headers = { ...trimmed(context.getHeaders()), ...ours }
    return { headers, calls: agents.calls, watches: agents.watches, generation: asked.generation }
  }
  const passage = (): Promise<Passage> => {
    const at = now()
    if (!latest || at - latest.at > credentialsHoldMs) latest = { at, passage: look() }
    return latest.passage
  }
  const askAnew = (): void => {
    latest = undefined
    askedAnewAt = now()
    generation += 1
    // The library keeps what an exec plugin gave until the time that it names, and for good where it names none; and what a token
    // file held, for a minute.
    security = new Security(credentials)
  }
  return {
    passage,
    doubt() {
      latest = undefined
    },
    async renewed(rejected) {
      // Of many requests that are rejected at once, the first has the credentials asked for, and the others share what is found.
      if (rejected.generation === generation && now() - askedAnewAt >= askAgainAfterMs) askAnew()
      const next = await passage()
      return isByTheSame(next, rejected) ? undefined : next
    },
    async close() {
      await Promise.all([agents?.calls.destroy(), agents?.watches.destroy()])
    },
  }
}

/** Whether two passages carry the same credentials: those in headers, and the client certificate, with which other agents come. */
const isByTheSame = (one: Passage, other: Passage): boolean =>
  isDeepStrictEqual(one.headers, other.headers) && one.calls === other.calls

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

/**
 * Header values without outer white space. A token file that ends with a line break would otherwise give an illegal
 * header.
 */
const trimmed = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.trim()]))
