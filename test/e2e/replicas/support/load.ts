import { setTimeout as wait } from 'node:timers/promises'
import { bindingResource } from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import type { Client } from '../../../support/embedded/client.ts'
import { textOf } from '../../../support/embedded/json.ts'
import { binding } from '../../support/manifests.ts'

export type Load = {
  readonly calls: () => number
  /** Stops, and tells what failed. */
  readonly stop: () => Promise<readonly string[]>
}

/** How many calls may be under way at once, so that calls don't pile up on a slow machine. */
const atOnce = 8

/** Creates a binding with a key of its own every so many ms, or as often as the limit of concurrent calls allows. */
export function startLoad(clients: readonly Client[], namespace: string, everyMs: number): Load {
  const path = resourcePath(bindingResource, { namespace })
  const failures: string[] = []
  const pending = new Set<Promise<void>>()
  let count = 0
  const stopping = new AbortController()
  const create = async (client: Client, name: string): Promise<void> => {
    const reply = await client
      .post(path, { ...binding({ name, namespace, spec: { containerName: name } }) })
      .catch(String)
    if (typeof reply === 'string') failures.push(reply)
    else if (reply.code !== 201) failures.push(`${reply.code} ${textOf(reply.body['message'])}`)
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await wait(everyMs)
      const client = clients[count % clients.length]
      if (!client || pending.size >= atOnce) continue
      count += 1
      const creating = create(client, `load-${count}`)
      pending.add(creating)
      void creating.finally(() => pending.delete(creating))
    }
  }
  const running = run()
  return {
    calls: () => count,
    stop: async () => {
      stopping.abort()
      await running
      await Promise.all(pending)
      return failures
    },
  }
}
