import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findingsOfCore } from '../deploy/crd-doors.ts'
import { describeReal } from '../support/real.ts'
import { reconcileCases, servedIn, type Manifest, type ReconcileCase, type Settled } from '../support/vectors.ts'
import { createNamespace, patience, startCluster, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { startOperator, type Operator } from './support/operator.ts'
import { clearScene, createBinding, setScene } from './support/scene.ts'
import { settledConditions, settledRendering, show } from './support/settled.ts'

type Setting = Pick<ReconcileCase, 'trustDomain' | 'className'> & {
  readonly bindings: 'strict' | 'permissive'
  readonly served: ReconcileCase['served']
}

const settingOf = (one: ReconcileCase): Setting => ({
  trustDomain: one.trustDomain,
  className: one.className,
  // What our own CRD refuses reaches the loop in a cluster that had another one.
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

/** Starting an operator, and having other kinds served, takes its time: cases that agree on them share one. */
const settings = Map.groupBy(reconcileCases, (one) => titleOf(settingOf(one)))

describeReal('the worked cases, by the loop and a real API server', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
    const all = reconcileCases.flatMap((one) => [
      one.binding,
      ...one.pools,
      ...one.objectives,
      ...one.otherBindings,
    ])
    const namespaces = new Set(all.map(({ metadata }) => metadata.namespace ?? 'default'))
    for (const namespace of namespaces) await createNamespace(cluster, namespace)
  })
  afterAll(() => cluster.stop())

  describe.each([...settings])('%s', (_title, cases) => {
    let operator: Operator
    const [first] = cases
    if (!first) throw new Error('a group of no cases')
    const setting = settingOf(first)
    const start = () =>
      startOperator({
        kubeconfig: cluster.plane.kubeconfig,
        trustDomain: setting.trustDomain,
        args: ['--webhook-bind-address=0', `--clusterspiffeid-class-name=${setting.className}`],
      })

    beforeAll(async () => {
      await serveOnly(cluster, servedIn(setting))
      await serveBindings(cluster, setting.bindings)
      operator = await start()
    })
    afterEach(() => clearScene(cluster))
    afterAll(() => operator.stop())

    const settles = async (binding: Manifest, expected: Settled) => {
      await expect
        .poll(async () => (await show(cluster, binding)).settled, patience)
        .toMatchObject(expected)
      const shown = await show(cluster, binding)
      expect(shown.outputs).toHaveLength(expected.ready === 'True' ? 1 : 0)
      expect(shown.conditions).toMatchObject(settledConditions(shown))
      expect(shown.rendered).toEqual(settledRendering(shown))
    }

    test.each(cases)('$id $title', async (one) => {
      // With outputs before their bindings the operator would take them for orphans: it comes when all is there.
      if (one.existing) await operator.stop()
      await setScene(cluster, one)
      await createBinding(cluster, one.binding)
      if (one.existing) operator = await start()
      const { otherExpect = {}, ...expected } = one.expect
      await settles(one.binding, expected)
      for (const other of one.otherBindings) {
        const wanted = otherExpect[other.metadata.name]
        if (wanted) await settles(other, wanted)
      }
    })
  })
})
