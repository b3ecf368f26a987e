import { installCrds } from '../../support/controlplane/crds.ts'
import { startOperator } from '../../support/operator.ts'
import { startCluster, type Cluster } from './cluster.ts'
import { webhooksAreAsked } from './webhook.ts'

export const trustDomain = 'example.org'

/** As `startCluster`, with every kind installed, and an operator whose webhooks are asked. The two stop together. */
export async function startReviewedCluster(): Promise<Cluster> {
  await using undo = new AsyncDisposableStack()
  const cluster = await startCluster()
  undo.defer(cluster.stop)
  await installCrds(cluster.plane)
  const operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain })
  undo.defer(async () => void (await operator.stop()))
  await operator.ready()
  await webhooksAreAsked(cluster)
  const started = undo.move()
  return { ...cluster, stop: () => started.disposeAsync() }
}
