import { startOperator, type RunningOperator } from '../../../support/operator.ts'
import { startBalancer, type Balancer } from '../../support/balancer.ts'
import { until } from '../../support/cluster.ts'
import { trustDomain } from '../../support/verdicts.ts'

/** Replicas of the operator, as a Deployment has them, behind one address. */
export type Fleet = {
  readonly balancer: Balancer
  readonly replicas: () => readonly RunningOperator[]
  /** Resolves once it is ready and calls may lead to it. */
  readonly grow: () => Promise<RunningOperator>
  /** As the machine under it does: nothing is finished. */
  readonly kill: (replica: RunningOperator) => Promise<void>
  /** As a rollout does. Resolves to its exit code; no call is led to it once it says that it is not ready. */
  readonly retire: (replica: RunningOperator) => Promise<number>
  readonly stop: () => Promise<void>
}

export async function startFleet(kubeconfig: string, size: number): Promise<Fleet> {
  const balancer = await startBalancer()
  let replicas: readonly RunningOperator[] = []
  const forget = (replica: RunningOperator): void => {
    replicas = replicas.filter((one) => one !== replica)
  }
  const grow = async (): Promise<RunningOperator> => {
    const args = [`--webhook-url=${balancer.url}`, '--leader-elect']
    const replica = await startOperator({ kubeconfig, trustDomain, args })
    replicas = [...replicas, replica]
    await replica.ready()
    balancer.add(replica.webhookPort)
    return replica
  }
  const fleet: Fleet = {
    balancer,
    replicas: () => replicas,
    grow,
    kill: async (replica) => {
      forget(replica)
      await replica.stop('SIGKILL')
      balancer.remove(replica.webhookPort)
    },
    retire: async (replica) => {
      forget(replica)
      const stopped = replica.stop()
      await until('it says that it is not ready', async () => !(await isReady(replica)))
      balancer.remove(replica.webhookPort)
      return stopped
    },
    stop: async () => {
      await Promise.all(replicas.map((replica) => replica.stop()))
      await balancer.stop()
    },
  }
  await Promise.all(Array.from({ length: size }, grow))
  return fleet
}

export async function isReady({ probes }: RunningOperator): Promise<boolean> {
  const reply = await fetch(`${probes}/readyz`).catch(() => undefined)
  await reply?.body?.cancel()
  return reply?.status === 200
}
