import { stringify } from 'yaml'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/path.ts'
import type { Client } from '../support/embedded/client.ts'
import { listOf, recordOf, textOf, without, type Json } from '../support/embedded/json.ts'
import { demoNamespace } from './apply.ts'
import { columns, nameOf, table } from './kubectl.ts'

export const bindingsPath = resourcePath(bindingResource, { namespace: demoNamespace })

export const bindingPath = (name: string): string =>
  resourcePath(bindingResource, { namespace: demoNamespace, name })

export async function bindings(client: Client): Promise<readonly Json[]> {
  return listOf((await client.get(bindingsPath)).body['items']).map(recordOf)
}

/** `kubectl get` of all bindings, or of one. The server makes the table, from the printer columns of the CRD. */
export async function bindingTable(client: Client, name?: string): Promise<string> {
  const path = name === undefined ? bindingsPath : bindingPath(name)
  return table((await client.get(path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).body)
}

const conditionsOf = (binding: Json): readonly Json[] =>
  listOf(recordOf(binding['status'])['conditions']).map(recordOf)

/** The reason of a binding's Ready condition for the generation that is there; undefined until it is evaluated. */
export function readyReason(binding: Json): string | undefined {
  const ready = conditionsOf(binding).find(({ type }) => type === 'Ready')
  const { generation } = recordOf(binding['metadata'])
  return ready?.['observedGeneration'] === generation ? textOf(ready?.['reason']) : undefined
}

export const isReady = (binding: Json): boolean =>
  conditionsOf(binding).some(({ type, status }) => type === 'Ready' && status === 'True')

export const spiffeIdOf = (binding: Json): string =>
  textOf(recordOf(listOf(recordOf(binding['status'])['computedSpiffeIDs'])[0])['spiffeID'])

export const conditionTable = (all: readonly Json[]): string =>
  columns([
    ['BINDING', 'CONDITION', 'STATUS', 'REASON', 'MESSAGE'],
    ...all.flatMap((binding) =>
      conditionsOf(binding).map(({ type, status, reason, message }) => [
        nameOf(binding),
        type,
        status,
        reason,
        message,
      ]),
    ),
  ])

/** The ClusterSPIFFEID that a binding's status names. */
export async function clusterSpiffeIdOf(client: Client, binding: Json): Promise<Json> {
  const { name } = recordOf(recordOf(binding['status'])['renderedClusterSPIFFEID'])
  const { code, body } = await client.get(resourcePath(clusterSpiffeIdResource, { name: textOf(name) }))
  if (code !== 200) throw new Error(`ClusterSPIFFEID ${textOf(name)}: ${textOf(body['message'])}`)
  return { ...body, metadata: without(recordOf(body['metadata']), 'managedFields') }
}

export const templateOf = (clusterSpiffeId: Json): string =>
  textOf(recordOf(clusterSpiffeId['spec'])['spiffeIDTemplate'])

/** In kubectl's style, which is that of YAML 1.1. */
export const asYaml = (object: Json): string =>
  stringify(object, { version: '1.1', indentSeq: false, lineWidth: 0, sortMapEntries: true }).trimEnd()
