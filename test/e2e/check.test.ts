import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { snapshotCluster } from '../../src/reads/cluster.ts'
import { connect } from '../../src/reads/connected.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { describeReal } from '../support/real.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { drawn, namespace, type Drawn } from './check/drawn.ts'
import { wordsOfApiServer, wordsOfCheck, type Words } from './check/words.ts'
import { createNamespace, type Cluster } from './support/cluster.ts'
import { startReviewedCluster, trustDomain } from './support/reviewed-cluster.ts'
import { operatorKnows } from './support/webhook.ts'

/** A few thousand more, where there is time. */
const runs = Number(process.env['KLEYM_CHECK_MANIFESTS'] ?? 400)

const unstored = { uid: undefined, generation: undefined }

/** What is there before: a binding for one container, one that waits, and a pool whose selector is unsafe. */
const there: readonly Manifest[] = [
  pool({ namespace }),
  pool({ namespace, name: 'unsafe', selector: { matchLabels: { app: '' } } }),
  objective({ namespace, group: 'llm-d.ai' }),
  objective({ namespace, name: 'other', group: 'llm-d.ai' }),
  binding({ namespace, name: 'one', metadata: unstored }),
  binding({
    namespace,
    name: 'waiting',
    metadata: unstored,
    spec: { poolRef: { name: 'fresh' }, objectiveRef: { name: 'fresh' }, containerName: 'x' },
  }),
]

describeReal('kleym check and an API server with the webhook', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startReviewedCluster()
    await createNamespace(cluster, namespace)
    for (const object of there) await cluster.create(resourceOf(object), object)
    for (const object of there.slice(-2)) await operatorKnows(cluster, object)
  })
  afterAll(() => cluster.stop())

  test('agree on what is accepted, and on every cause', async () => {
    const connection = connect({ kubeconfig: cluster.plane.kubeconfig, context: undefined })
    const snapshot = await snapshotCluster(connection)
    await connection.close()
    if (snapshot.kind === 'problem') throw new Error(snapshot.problem)
    const differing: { readonly object: Drawn; readonly check: Words; readonly apiServer: Words }[] = []
    const tally = { accepted: 0, unread: 0, ours: 0, schema: 0 }
    const rest = fc.sample(drawn, runs).values()
    const compare = async (): Promise<void> => {
      for (const object of rest) {
        const check = wordsOfCheck(object, snapshot, trustDomain)
        const apiServer = await wordsOfApiServer(object, cluster.client)
        tally[kindOf(apiServer)] += 1
        if (!isAgreement(check, apiServer)) differing.push({ object, check, apiServer })
      }
    }
    await Promise.all(Array.from({ length: 4 }, compare))
    expect(differing.slice(0, 5)).toEqual([])
    // Each kind of answer must come often enough for the comparison to mean something.
    expect(Object.entries(tally).filter(([, count]) => count < runs / 50)).toEqual([])
  }, 1_200_000)
})

const kindOf = ({ accepted, unread, ours }: Words): 'accepted' | 'unread' | 'ours' | 'schema' =>
  accepted ? 'accepted' : unread.size > 0 ? 'unread' : ours.size > 0 ? 'ours' : 'schema'

/**
 * An API server stops at the first of three gates: what it can't decode, what a webhook refuses of a binding, and what the
 * schema refuses. `check` looks behind all of them; what it says of that gate must be the same.
 */
function isAgreement(check: Words, apiServer: Words): boolean {
  if (check.accepted !== apiServer.accepted) return false
  const gate = kindOf(apiServer)
  if (gate === 'accepted') return true
  if (gate === 'unread') return isUnreadAlike(check.unread, apiServer.unread)
  return isSame(check[gate], apiServer[gate])
}

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.symmetricDifference(b).size === 0

/** Of metadata that it can't decode the API server tells the first field alone, and no unknown ones. */
const isUnreadAlike = (check: ReadonlySet<string>, apiServer: ReadonlySet<string>): boolean =>
  [...apiServer].every((line) => line.startsWith('unknown field'))
    ? isSame(check, apiServer)
    : [...apiServer].every((line) => check.has(line))
