import type { Deployment, OperatorSight } from '../cli/cluster.ts'
import { operatorNamespace } from '../config.ts'
import { field, numberOr, objectOr, textOr } from '../core/json.ts'
import { decodeOperatorStatus, operatorStatusName } from '../core/operator-status.ts'
import { configMapResource } from '../core/resources.ts'
import { isAbsent } from '../kube/answer.ts'
import { failureWords, resourcePath, type Client } from '../kube/client.ts'
import { unseenBecause, type Connection } from './connected.ts'

const deploymentResource = { group: 'apps', version: 'v1', plural: 'deployments' }
const deploymentName = 'kleym-operator'
const labelSelector = 'app.kubernetes.io/name=kleym,app.kubernetes.io/component=operator'

/**
 * Reads what the leader publishes, and the state of its Deployment. Without a namespace all namespaces are searched,
 * if permissions allow that.
 */
export const readOperator = ({ use }: Connection, named: string | undefined): Promise<OperatorSight> =>
  use<OperatorSight>(async (client) => {
    const deployment = await findDeployment(client, named)
    const namespace = named ?? deployment?.namespace ?? operatorNamespace
    const path = resourcePath(configMapResource, { namespace, name: operatorStatusName })
    const answer = await client.call({ method: 'GET', path })
    if (answer.kind !== 'ok' && !isAbsent(answer))
      return unseenBecause(`reading ConfigMap ${namespace}/${operatorStatusName}: ${failureWords(answer)}`)
    const status = answer.kind === 'ok' ? decodeOperatorStatus(answer.body) : undefined
    return { kind: 'seen', namespace, status, deployment }
  }, unseenBecause)

/** Finds the operator's Deployment by its labels or, if Deployments may not be listed, by its usual name. */
async function findDeployment(client: Client, named: string | undefined): Promise<Deployment | undefined> {
  const path = resourcePath(deploymentResource, { namespace: named })
  const listed = await client.call({ method: 'GET', path, query: { labelSelector, limit: '10' } })
  if (listed.kind === 'ok') {
    const { items } = objectOr(listed.body)
    return Array.isArray(items) && items.length > 0 ? decodeDeployment(items[0]) : undefined
  }
  const at = { namespace: named ?? operatorNamespace, name: deploymentName }
  const answer = await client.call({ method: 'GET', path: resourcePath(deploymentResource, at) })
  return answer.kind === 'ok' ? decodeDeployment(answer.body) : undefined
}

function decodeDeployment(object: unknown): Deployment {
  const { metadata, spec, status } = objectOr(object)
  const podSpec = objectOr(field(objectOr(field(objectOr(spec), 'template')), 'spec'))
  const containers = field(podSpec, 'containers')
  const [first] = Array.isArray(containers) ? containers.map(objectOr) : []
  return {
    namespace: textOr(field(objectOr(metadata), 'namespace'), ''),
    name: textOr(field(objectOr(metadata), 'name'), ''),
    ready: numberOr(field(objectOr(status), 'readyReplicas'), 0),
    wanted: numberOr(field(objectOr(spec), 'replicas'), 1),
    version: tagOf(textOr(field(first ?? {}, 'image'), '')),
  }
}

/** The tag of an image reference `host:port/name:tag@digest`, of which only the name is required. */
const tagOf = (image: string): string =>
  /:(?<tag>[^:/]+)$/.exec(image.replace(/@.*$/, ''))?.groups?.['tag'] ?? ''
