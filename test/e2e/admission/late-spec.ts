import { expect, test } from 'vitest'
import { objective, pool } from '../../support/builders.ts'
import { resourceOf, type Manifest } from '../../support/vectors.ts'
import { createNamespace, patience, type Cluster } from '../support/cluster.ts'
import { binding } from '../support/manifests.ts'
import { show } from '../support/settled.ts'

const namespace = 'late'
const at = (name: string) => ({ name, namespace })

/** Pools with the same labels, so that bindings of one account and one container collide over them. */
const pools = [pool(at('one')), pool(at('other'))]
const of = (name: string, poolName: string): Manifest =>
  binding({ ...at(name), spec: { poolRef: { name: poolName }, objectiveRef: { name } } })
const [a, b] = [of('a', 'one'), of('b', 'other')]
const late = objective({ ...at('b'), poolRef: { name: 'other' } })
const { spec: _, ...specless } = late

/** The schemas of objectives and of experimental pools let a spec be left out, so an update may be the first to write one. */
export function lateSpecSuite(cluster: () => Cluster): void {
  test('an objective that gets its spec by an update is judged by it', async () => {
    await createNamespace(cluster(), namespace)
    for (const one of [...pools, objective({ ...at('a'), poolRef: { name: 'one' } }), a])
      await cluster().create(resourceOf(one), one)
    const settled = async () => (await show(cluster(), a)).settled
    await expect.poll(settled, patience).toMatchObject({ ready: 'True', reason: 'Reconciled' })
    const apply = async (object: object) =>
      cluster().kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) })
    expect(await apply(specless)).toMatchObject({ code: 0 })
    expect(await apply(b)).toMatchObject({ code: 0 })

    const refused = await apply(late)
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Error from server (Forbidden)'),
    })
    expect(refused.stderr).toMatch(
      /InferenceIdentityBinding [ab] would get no identity: Conflict\/IdentityCollision: /v,
    )
    expect((await cluster().find(resourceOf(late), at('b')))?.['spec']).toBeUndefined()
  })
}
