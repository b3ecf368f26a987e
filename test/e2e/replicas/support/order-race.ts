import { setTimeout as wait } from 'node:timers/promises'
import { bindingResource, poolResources } from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import { objective, pool } from '../../../support/builders.ts'
import type { Client } from '../../../support/embedded/client.ts'
import { listOf, recordOf, textOf } from '../../../support/embedded/json.ts'
import { resourceOf, type Manifest } from '../../../support/vectors.ts'
import { patience, type Cluster } from '../../support/cluster.ts'
import { binding, poolOnly } from '../../support/manifests.ts'

export const orderNamespace = 'order'

/** The objects of a round, which are wrong only together: whichever comes last completes the harm. */
export const sets: Readonly<Record<string, (round: number) => readonly Manifest[]>> = {
  'bindings that name their pool alike': (round) => collision(round, undefined),
  'bindings that name their pool in two ways': (round) => collision(round, poolResources[0]?.group),
  'a pool that nobody can use': (round) => {
    const at = { name: `round-${round}`, namespace: orderNamespace }
    return [pool({ ...at, selector: {} }), poolOnly({ ...at, spec: { poolRef: { name: at.name } } })]
  },
}

function collision(round: number, group: string | undefined): readonly Manifest[] {
  const at = (which: string) => ({ name: `round-${round}-${which}`, namespace: orderNamespace })
  const bindingOf = (which: string, poolRef: object): Manifest =>
    binding({
      ...at(which),
      spec: { poolRef, objectiveRef: { name: at(which).name }, containerName: `round-${round}` },
    })
  return [
    bindingOf('a', { name: 'chat' }),
    bindingOf('b', { name: 'chat', ...(group !== undefined && { group }) }),
    objective(at('a')),
    objective(at('b')),
  ]
}

/** What came of one set, all of whose objects were created at once. */
export type Round =
  | { readonly kind: 'refused' }
  /** All objects were admitted. `saidMs` is the time from the last answer until each binding's status said what is wrong. */
  | { readonly kind: 'slipped'; readonly saidMs: number }
  /** What was neither admitted nor refused for what is wrong. */
  | { readonly kind: 'odd'; readonly answers: readonly string[] }

/** A binding is reviewed twice and takes longer than what it refers to: sent at the very same moment it is always last. */
const spreadMs = 60

/** The objects are sent to the API servers in turn, and deleted again once it is known what came of them. */
export async function raceOf(
  cluster: Cluster,
  clients: readonly Client[],
  manifests: readonly Manifest[],
): Promise<Round> {
  const answers = await Promise.all(
    manifests.map(async (manifest, index) => {
      await wait(Math.random() * spreadMs)
      return create(clients[index % clients.length] ?? cluster.client, manifest)
    }),
  )
  const answered = performance.now()
  const odd = answers.filter((answer) => answer !== 'admitted' && answer !== 'refused')
  if (odd.length > 0) return { kind: 'odd', answers: odd }
  const slipped = !answers.includes('refused')
  const saidMs = slipped ? (await untilSaid(cluster, manifests)) - answered : 0
  for (const manifest of manifests) await cluster.client.delete(pathOf(manifest))
  return slipped ? { kind: 'slipped', saidMs } : { kind: 'refused' }
}

const pathOf = (manifest: Manifest): string => resourcePath(resourceOf(manifest), manifest.metadata)

const harm = /(?:InvalidPoolSelector|IdentityCollision|PendingCollision)/

async function create(client: Client, manifest: Manifest): Promise<string> {
  const { namespace } = manifest.metadata
  const { code, body } = await client.post(resourcePath(resourceOf(manifest), { namespace }), manifest)
  if (code === 201) return 'admitted'
  const message = textOf(body['message'])
  return (code === 422 || code === 403) && harm.test(message) ? 'refused' : `${code} ${message}`
}

/** Waits until the status of each binding says what is wrong; resolves to when that was seen. */
async function untilSaid({ find }: Cluster, manifests: readonly Manifest[]): Promise<number> {
  const bindings = manifests.filter(({ kind }) => kind === bindingResource.kind)
  const giveUpAt = performance.now() + patience.timeout
  for (;;) {
    const reasons = await Promise.all(
      bindings.map(async ({ metadata: { name } }) => {
        const live = (await find(bindingResource, { namespace: orderNamespace, name })) ?? {}
        const conditions = listOf(recordOf(live['status'])['conditions']).map(recordOf)
        return String(conditions.find(({ type }) => type === 'Ready')?.['reason'])
      }),
    )
    if (reasons.every((reason) => harm.test(reason))) return performance.now()
    if (performance.now() > giveUpAt) throw new Error(`the statuses say ${reasons.join(', ')}`)
  }
}
