import { expect, test } from 'vitest'
import { describeReal } from '../support/real.ts'
import { startOperator } from '../support/operator.ts'
import { reconcileCases } from '../support/vectors.ts'
import { startCluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { setScene, clearScene } from './support/scene.ts'
import { wordsOfCheck, wordsOfKubectl } from './support/verdicts.ts'
import { optionalResources } from '../../src/core/resources.ts'
describeReal('try', () => {
  test('x', async () => {
    const cluster = await startCluster()
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'strict')
    const ids = ['U02', 'F15', 'F18', 'C01', 'C12', 'R03', 'F03', 'R01']
    const out: unknown[] = []
    for (const id of ids) {
      const one = reconcileCases.find((c) => c.id === id)!
      await setScene(cluster, { ...one, otherBindings: [] })
      const r = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input: JSON.stringify(one.binding) })
      out.push([id, 'crd', r, await wordsOfCheck(one), wordsOfKubectl(r)])
      await clearScene(cluster, one)
    }
    const op = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain: 'kleym.sonda.red' })
    await op.ready()
    for (const id of ids) {
      const one = reconcileCases.find((c) => c.id === id)!
      await setScene(cluster, one)
      await new Promise((r) => setTimeout(r, 500))
      for (const extra of [['-v=6'], ['--server-side']]) {
      const r = await cluster.kubectl(['apply', '-f', '-', ...extra], { input: JSON.stringify(one.binding) })
      out.push([id, extra, r, wordsOfKubectl(r)])
      }
      await clearScene(cluster, one)
    }
    await op.stop()
    await cluster.stop()
    console.log(JSON.stringify(out, undefined, 1))
    console.log(op.log())
    expect(1).toBe(1)
  })
})
