import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { findingsOfCore } from '../deploy/crd-doors.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeReal } from '../support/real.ts'
import {
  reconcileCases,
  servedIn,
  type Manifest,
  type ReconcileCase,
  type Settled,
} from '../support/vectors.ts'
import { createNamespace, patience, startCluster, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { clearScene, createBinding, setScene } from './support/scene.ts'
import { settledConditions, settledRendering, show } from './support/settled.ts'

type Setting = Pick<ReconcileCase, 'trustDomain' | 'className'> & {
  readonly bindings: 'strict' | 'permissive'
  readonly served: ReconcileCase['served']
}

const settingOf = (one: ReconcileCase): Setting => ({
  trustDomain: one.trustDomain,
  className: one.className,
  // A spec that our own CRD refuses reaches the loop only in a cluster that had another CRD before.
  bindings: [one.binding, ...one.otherBindings].some(({ spec }) => findingsOfCore(spec).length > 0)
    ? 'permissive'
    : 'strict',
  served: one.served,
})

const titleOf = ({ trustDomain, className, bindings, served }: Setting): string =>
  [
    trustDomain,
    ...(className ? [`class ${className}`] : []),
    `${bindings} bindings`,
    served ? `only ${served.join(', ')} served` : 'all served',
  ].join(', ')

/** Cases that agree on their setting come one after another: having other kinds served takes its time. */
const settings = [...Map.groupBy(reconcileCases, (one) => titleOf(settingOf(one)))].toSorted(([a], [b]) =>
  a < b ? -1 : 1,
)

const namespaces = new Set(
  reconcileCases
    .flatMap((one) => [one.binding, ...one.pools, ...one.objectives, ...one.otherBindings])
    .map(({ metadata }) => metadata.namespace ?? 'default'),
)

describeReal('the worked cases, by the loop and a real API server', () => {
  let cluster: Cluster
  let running: { readonly operator: RunningOperator; readonly as: string } | undefined

  beforeAll(async () => {
    cluster = await startCluster()
    for (const namespace of namespaces) await createNamespace(cluster, namespace)
  })
  afterAll(async () => {
    await running?.operator.stop()
    await cluster.stop()
  })

  /** One operator runs for as many cases as possible, while the kinds that are served change. */
  const haveOperator = async ({ trustDomain, className }: Setting): Promise<RunningOperator> => {
    const as = `${trustDomain} ${className}`
    if (running?.as === as) return running.operator
    await running?.operator.stop()
    const { kubeconfig } = cluster.plane
    const args = ['--webhook-bind-address=0', `--clusterspiffeid-class-name=${className}`]
    const operator = await startOperator({ kubeconfig, trustDomain, args })
    running = { operator, as }
    await operator.ready()
    return operator
  }

  const settles = async (binding: Manifest, expected: Settled): Promise<void> => {
    const settled = async () => (await show(cluster, binding)).settled
    await expect.poll(settled, patience).toMatchObject(expected)
    const shown = await show(cluster, binding)
    expect(shown.outputs).toHaveLength(expected.ready === 'True' ? 1 : 0)
    expect(shown.conditions).toMatchObject(settledConditions(shown))
    expect(shown.rendered).toEqual(settledRendering(shown))
  }

  describe.each(settings)('%s', (_title, cases) => {
    beforeAll(async () => {
      const [first] = cases
      if (!first) throw new Error('a setting of no case')
      await serveOnly(cluster, servedIn(first))
      await serveBindings(cluster, settingOf(first).bindings)
    })

    test.each(cases)('$id $title', async (one) => {
      onTestFinished(() => clearScene(cluster, one))
      const operator = await haveOperator(settingOf(one))
      // The operator is stopped while a case is set up: it would delete an output that is there before its binding as an orphan.
      if (one.existing) process.kill(operator.pid, 'SIGSTOP')
      try {
        await setScene(cluster, one)
        await createBinding(cluster, one.binding)
      } finally {
        process.kill(operator.pid, 'SIGCONT')
      }
      const { otherExpect = {}, admission: _, ...expected } = one.expect
      await settles(one.binding, expected)
      for (const other of one.otherBindings) {
        const wanted = otherExpect[other.metadata.name]
        if (wanted) await settles(other, wanted)
      }
      for (const { for: owner, name } of one.existing ?? []) {
        const stays = owner === undefined || name === expected.clusterSPIFFEIDName
        const isThere = async () => (await cluster.find(clusterSpiffeIdResource, { name })) !== undefined
        await expect.poll(isThere, patience).toBe(stays)
      }
    })
  })
})
