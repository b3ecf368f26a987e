import type { OperatorSight } from '../cli/cluster.ts'
import type { ClusterChoice } from '../config.ts'
import { field, numberOr, objectOr } from '../core/json.ts'
import { decodeOperatorStatus, operatorStatusName } from '../core/operator-status.ts'
import { explain, resourcePath, type Client } from '../kube/client.ts'
import { isAbsent } from '../kube/definition.ts'
import { connected, unseenBecause } from './connected.ts'

const configMapResource = { group: '', version: 'v1', plural: 'configmaps' }
const deploymentResource = { group: 'apps', version: 'v1', plural: 'deployments' }
const deploymentName = 'kleym-operator'

/** What the leader says, and how many replicas are ready, where it runs in this cluster. */
export const readOperator = (choice: ClusterChoice, namespace: string): Promise<OperatorSight> =>
  connected<OperatorSight>(
    choice,
    async (client) => {
      const path = resourcePath(configMapResource, { namespace, name: operatorStatusName })
      const answer = await client.call({ method: 'GET', path })
      if (answer.kind !== 'ok' && !isAbsent(answer))
        return unseenBecause(`reading ConfigMap ${namespace}/${operatorStatusName}: ${explain(answer)}`)
      const status = answer.kind === 'ok' ? decodeOperatorStatus(answer.body) : undefined
      return { kind: 'seen', status, replicas: await readReplicas(client, namespace) }
    },
    unseenBecause,
  )

type Replicas = { readonly ready: number; readonly wanted: number }

async function readReplicas(client: Client, namespace: string): Promise<Replicas | undefined> {
  const path = resourcePath(deploymentResource, { namespace, name: deploymentName })
  const answer = await client.call({ method: 'GET', path })
  if (answer.kind !== 'ok') return undefined
  const { spec, status } = objectOr(answer.body)
  return {
    ready: numberOr(field(objectOr(status), 'readyReplicas'), 0),
    wanted: numberOr(field(objectOr(spec), 'replicas'), 1),
  }
}
