import { create, createAll, createNamespace, type Cluster } from './cluster.ts'
import { binding, objective, pool, referencesOf } from './manifests.ts'
import type { Operator } from './operator.ts'
import { routeTo } from './routing.ts'
import { condition, range } from './waiting.ts'

/** A namespace all of whose bindings use one pool. */
export const crowd = 'crowd'

/** That pool. */
export const shared = pool(crowd, 'shared')

/** Another namespace, with a pool and an objective, whose bindings are reviewed meanwhile. */
export const quiet = 'quiet'

/** To be called before the operator runs, which would review each of these bindings. */
export async function fillCrowd(cluster: Cluster, size: number): Promise<void> {
  await createNamespace(cluster, crowd, routeTo('kleym'))
  await createNamespace(cluster, quiet, routeTo('kleym'))
  await create(cluster, shared)
  await createAll(
    cluster,
    range(size).map((index) => objective(crowd, index, 'shared')),
  )
  await createAll(
    cluster,
    range(size).map((index) => binding(crowd, index, 'shared', `container-${index}`)),
  )
  await createAll(cluster, referencesOf(quiet, 1))
}

/** Waits until so many bindings are Ready and nothing is left to do. */
export const allReady = (operator: Operator, size: number): Promise<void> =>
  condition(
    async () =>
      (await operator.metric('kleym_identity_bindings', /Reconciled/)) === size &&
      (await operator.metric('kleym_queue_depth')) === 0,
    { what: 'that all bindings are Ready', everyMs: 200, withinMs: 600_000 },
  )
