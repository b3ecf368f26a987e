import type { ClusterChoice } from '../config.ts'
import { messageOf } from '../core/show.ts'
import { createClient, type Client } from '../kube/client.ts'
import { loadKubeConfig } from '../kube/config.ts'

/** A connection for as long as `work` takes; what it throws becomes an answer. */
export async function connected<T>(
  choice: ClusterChoice,
  work: (client: Client) => Promise<T>,
  failed: (problem: string) => T,
): Promise<T> {
  let client: Client | undefined
  try {
    client = createClient(loadKubeConfig(choice))
    return await work(client)
  } catch (error) {
    return failed(messageOf(error))
  } finally {
    await client?.close()
  }
}

export const unseenBecause = (why: string) => ({ kind: 'unseen', why }) as const
