import type { ClusterChoice } from '../config.ts'
import { messageOf } from '../core/show.ts'
import { createClient, type Client } from '../kube/client.ts'
import { loadKubeConfig, namespaceOfPod, type ClusterConfig } from '../kube/config.ts'

/** One connection for all requests of a command, because an exec plugin may take a second to make credentials. */
export type Connection = {
  /**
   * Runs `work`. If it throws, or no cluster is configured, the result is that of `failed`. The second client is for work
   * that outlives the command's time limit.
   */
  readonly use: <T>(
    work: (client: Client, unlimited: Client) => Promise<T>,
    failed: (problem: string) => T,
  ) => Promise<T>
  /** The namespace of the context; in a pod, of the pod; else `default`, as kubectl has it. */
  readonly namespace: () => string
  /** Starts the time limit of the command line anew. */
  readonly renew: () => void
  readonly close: () => Promise<void>
}

export function connect(choice: ClusterChoice): Connection {
  let opened: { readonly config: ClusterConfig; readonly client: Client } | undefined
  let deadline = deadlineOf(choice)
  const open = () => {
    if (opened) return opened
    const config = loadKubeConfig(choice)
    opened = { config, client: createClient(config) }
    return opened
  }
  /** Why a configuration can't be read is for the first request to say. */
  const configured = (): string | undefined => {
    try {
      return open().config.namespace
    } catch {
      return undefined
    }
  }
  return {
    use: async (work, failed) => {
      try {
        const { client } = open()
        return await work(inTime(client, deadline.signal), client)
      } catch (error) {
        return failed(messageOf(error))
      }
    },
    namespace: () => configured() ?? namespaceOfPod() ?? 'default',
    renew: () => {
      deadline.stop()
      deadline = deadlineOf(choice)
    },
    close: async () => {
      deadline.stop()
      await opened?.client.close()
    },
  }
}

/** The deadline for all requests of a command together. */
function deadlineOf({ timeoutMs }: ClusterChoice): {
  readonly signal: AbortSignal
  readonly stop: () => void
} {
  const cut = new AbortController()
  const end = (): void =>
    cut.abort(new Error(`no answer within ${(timeoutMs ?? 0) / 1000} s; allow more by --timeout`))
  const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs)
  return { signal: cut.signal, stop: () => clearTimeout(timer) }
}

const inTime = (client: Client, deadline: AbortSignal): Client => ({
  ...client,
  call: (request) =>
    client.call({
      ...request,
      signal: request.signal ? AbortSignal.any([request.signal, deadline]) : deadline,
    }),
})

export const unseenBecause = (why: string) => ({ kind: 'unseen', why }) as const
