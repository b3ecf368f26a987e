import { bindingResource } from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import type { Client, Reply } from '../../../support/embedded/client.ts'
import { recordOf, textOf } from '../../../support/embedded/json.ts'
import { bodyOf } from '../../support/cluster.ts'
import { binding } from '../../support/manifests.ts'

export const namespace = 'race'

/** What came of one round of requests for one key, by the names of the bindings. */
export type Round = {
  readonly admitted: readonly string[]
  readonly refused: readonly string[]
  /** Answers that neither admit nor refuse for the collision, of requests that are not sent again. */
  readonly others: readonly string[]
}

type RaceOptions = {
  /** The API servers that the requests are sent to in turn. */
  readonly clients: readonly Client[]
  /** Tells rounds apart: each is about a key of its own. */
  readonly round: number
  /** Whether a request is sent again, as clients do if a webhook or an API server gave no answer. */
  readonly tryAgain: boolean
}

const at = (name: string): string => resourcePath(bindingResource, { namespace, name })

/** Bindings that updates move from key to key. */
const movers = ['mover-0', 'mover-1', 'mover-2']

export async function createMovers(client: Client): Promise<void> {
  for (const name of movers) {
    const mover = binding({ name, namespace, spec: { containerName: name } })
    bodyOf(await client.post(resourcePath(bindingResource, { namespace }), { ...mover }), `creating ${name}`)
  }
}

/** Five creates and three updates at once, all for one key. */
export async function race({ clients, round, tryAgain }: RaceOptions): Promise<Round> {
  const containerName = `round-${round}`
  const creates = Array.from({ length: 5 }, (_, index) => ({
    name: `round-${round}-${index}`,
    send: (client: Client, name: string) =>
      client.post(resourcePath(bindingResource, { namespace }), {
        ...binding({ name, namespace, spec: { containerName } }),
      }),
  }))
  const updates = movers.map((name) => ({
    name,
    send: (client: Client) => client.patch(at(name), { spec: { containerName } }),
  }))
  const outcomes = await Promise.all(
    [...creates, ...updates].map(async ({ name, send }, index) => {
      const client = clients[index % clients.length]
      if (!client) throw new Error('there is no API server')
      return { name, outcome: await settle(() => send(client, name), tryAgain) }
    }),
  )
  const of = (wanted: string): readonly string[] =>
    outcomes.filter(({ outcome }) => outcome === wanted).map(({ name }) => name)
  return {
    admitted: of('admitted'),
    refused: of('refused'),
    others: outcomes.map(({ outcome }) => outcome).filter((one) => one !== 'admitted' && one !== 'refused'),
  }
}

async function settle(send: () => Promise<Reply>, tryAgain: boolean): Promise<string> {
  const giveUpAt = performance.now() + 60_000
  for (;;) {
    const reply = await send().catch(String)
    const outcome = typeof reply === 'string' ? reply : outcomeOf(reply)
    if (outcome === 'admitted' || outcome === 'refused' || !tryAgain) return outcome
    if (performance.now() > giveUpAt) return outcome
  }
}

function outcomeOf({ code, body }: Reply): string {
  // The binding exists: an earlier attempt took effect, though its answer was lost.
  if (code === 200 || code === 201 || (code === 409 && body['reason'] === 'AlreadyExists')) return 'admitted'
  const causes = recordOf(body['details'])['causes']
  if (code === 422 && JSON.stringify(causes).includes('Conflict/IdentityCollision')) return 'refused'
  return `${code} ${textOf(body['message'])}`
}
