import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { connect } from 'node:tls'
import { registrationsOf } from '../../../certs/registration.ts'
import { bindingResource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { listOf, recordOf, textOf } from '../../support/embedded/json.ts'
import { webhookHost } from '../../support/webhook-host.ts'
import { registrations } from '../../support/webhook-names.ts'
import type { Cluster } from '../support/cluster.ts'
import { poolOnly } from '../support/manifests.ts'

export type Load = {
  /** How many calls there were so far. */
  readonly calls: () => number
  readonly failures: () => readonly string[]
  readonly stop: () => Promise<void>
}

/** How many calls may be under way at once, so that calls don't pile up on a machine that is too slow for the rate. */
const concurrency = 16

/** Calls every so many ms, or as often as the limit of concurrent calls allows. */
function repeatedly(everyMs: number, call: (count: number) => Promise<string | undefined>): Load {
  const failures: string[] = []
  const pending = new Set<Promise<void>>()
  const stopping = new AbortController()
  let count = 0
  const one = async (): Promise<void> => {
    const failure = await call(count).catch(String)
    if (failure !== undefined) failures.push(failure)
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await wait(everyMs)
      if (pending.size >= concurrency) continue
      count += 1
      const calling = one()
      pending.add(calling)
      void calling.finally(() => pending.delete(calling))
    }
  }
  const running = run()
  return {
    calls: () => count,
    failures: () => failures,
    stop: async () => {
      stopping.abort()
      await running
      await Promise.all(pending)
    },
  }
}

const path = `${resourcePath(bindingResource, { namespace: 'default' })}?dryRun=All`

/** Dry runs of creates through the API server. */
export const creates = ({ client }: Cluster, everyMs: number): Load =>
  repeatedly(everyMs, async (count) => {
    const { code, body } = await client.post(path, {
      ...poolOnly({ name: `load-${count}`, namespace: 'default' }),
    })
    return code === 201 ? undefined : `${code} ${textOf(body['message'])}`
  })

/** Decodes a value that the API server shows in base64. */
export const decoded = (value: unknown): string => Buffer.from(textOf(value), 'base64').toString()

/** The caBundle of each webhook that is registered, as PEM. */
export async function liveBundles({ find }: Cluster): Promise<readonly string[]> {
  const configurations = await Promise.all(
    registrations.map(({ resource, name }) => find(resource, { name })),
  )
  return configurations.flatMap((configuration) =>
    listOf(configuration?.['webhooks']).map((webhook) =>
      decoded(recordOf(recordOf(webhook)['clientConfig'])['caBundle']),
    ),
  )
}

/** What the path of each webhook that is registered ends in. */
export async function liveTokens({ find }: Cluster): Promise<readonly string[]> {
  const configurations = await Promise.all(
    registrations.map(({ resource, name }) => find(resource, { name })),
  )
  return configurations.flatMap((configuration) =>
    configuration ? registrationsOf(configuration).map(({ token }) => token) : [],
  )
}

/** New connections to each replica, as an API server makes them that has just read what to trust. */
export const handshakes = (cluster: Cluster, ports: readonly number[], everyMs: number): Load =>
  repeatedly(everyMs, async (count) => {
    const bundles = await liveBundles(cluster)
    const ca = bundles[count % bundles.length] ?? ''
    const socket = connect({ host: webhookHost, port: ports[count % ports.length] ?? 0, ca })
    try {
      await once(socket, 'secureConnect')
      return undefined
    } finally {
      socket.destroy()
    }
  })
