import type { Deployment, OperatorSight } from '../cli/cluster.ts'
import { operatorNamespace } from '../config.ts'
import { field, numberOr, objectOr, textOr } from '../core/json.ts'
import { decodeOperatorStatus, operatorStatusName, type OperatorStatus } from '../core/operator-status.ts'
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
    const found = await findDeployments(client, named)
    const places = await Promise.all(
      found.deployments.map(async (deployment) => placeOf(client, deployment.namespace, deployment)),
    )
    // An operator outside the cluster has no Deployment. It publishes in the namespace that it was told, or in the usual one.
    const home = named ?? operatorNamespace
    const isElsewhere = places.every(({ namespace, status }) => namespace !== home && !status)
    const all = isElsewhere ? [...places, await placeOf(client, home, undefined)] : places
    const [best] = all.toSorted((a, b) => weightOf(b) - weightOf(a))
    if (!best) throw new Error('no namespace was looked at')
    const { namespace, status, deployment } = best
    const unread = all.flatMap((one) => one.unseen ?? [])
    const unseen = {
      status: status || unread.length === 0 ? undefined : unread.join('; '),
      deployment: deployment ? undefined : found.unseen,
    }
    return !status && !deployment && unseen.status !== undefined && unseen.deployment !== undefined
      ? unseenBecause(`${unseen.deployment}; ${unseen.status}`)
      : { kind: 'seen', namespace, status, deployment, unseen }
  }, unseenBecause)

/** A namespace in which an operator may be. */
type OperatorAt = {
  readonly namespace: string
  readonly deployment: Deployment | undefined
  readonly status: OperatorStatus | undefined
  /** Why its status could not be read. */
  readonly unseen: string | undefined
}

/**
 * A cluster on its way from the former operator has Deployments of both. The former one publishes no status, so a Deployment
 * beside a status is the one that is meant; else it is one that runs.
 */
const weightOf = ({ status, deployment }: OperatorAt): number =>
  (status ? 2 : 0) + (deployment && deployment.ready > 0 ? 1 : 0)

async function placeOf(
  client: Client,
  namespace: string,
  deployment: Deployment | undefined,
): Promise<OperatorAt> {
  const path = resourcePath(configMapResource, { namespace, name: operatorStatusName })
  const answer = await client.call({ method: 'GET', path })
  const isKnown = answer.kind === 'ok' || isAbsent(answer)
  return {
    namespace,
    deployment,
    status: answer.kind === 'ok' ? decodeOperatorStatus(answer.body) : undefined,
    unseen: isKnown
      ? undefined
      : `reading ConfigMap ${namespace}/${operatorStatusName}: ${failureWords(answer)}`,
  }
}

type Deployments = {
  readonly deployments: readonly Deployment[]
  /** Why there may be others. */
  readonly unseen: string | undefined
}

/** Finds Deployments of an operator by their labels or, if Deployments may not be listed, one by its usual name. */
async function findDeployments(client: Client, named: string | undefined): Promise<Deployments> {
  const path = resourcePath(deploymentResource, { namespace: named })
  const listed = await client.call({ method: 'GET', path, query: { labelSelector, limit: '10' } })
  if (listed.kind === 'ok') {
    const { items } = objectOr(listed.body)
    return { deployments: Array.isArray(items) ? items.map(decodeDeployment) : [], unseen: undefined }
  }
  const at = { namespace: named ?? operatorNamespace, name: deploymentName }
  const answer = await client.call({ method: 'GET', path: resourcePath(deploymentResource, at) })
  return {
    deployments: answer.kind === 'ok' ? [decodeDeployment(answer.body)] : [],
    unseen: `listing Deployments: ${failureWords(listed)}`,
  }
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
