import { spiffeId } from '../../../../src/core/identity.ts'
import { outputName } from '../../../../src/core/output-name.ts'
import { clusterSpiffeIdResource } from '../../../../src/core/resources.ts'
import { clusterSpiffeId } from '../../../support/builders.ts'
import { recordOf, type Json } from '../../../support/embedded/json.ts'
import type { Manifest } from '../../../support/vectors.ts'
import { metaOf } from '../../support/cluster.ts'
import { trustDomain } from './stage.ts'

/** Names an object for a request; nothing more of it is needed. */
export const named = (name: unknown): Manifest => clusterSpiffeId(String(name))

/** The name that the output of a PoolOnly binding must have. */
export const poolOutputName = (namespace: string, name: string, pool: string): string =>
  outputName(
    { namespace, name },
    { mode: 'PoolOnly', spiffeId: spiffeId(trustDomain, namespace, 'PoolOnly', pool) },
  )

/** What the former operator writes: labels and hint, no annotation, no namespace selector. */
export function writtenByReference(
  output: Json,
  {
    name,
    hint,
    ...labels
  }: { readonly name?: string; readonly hint?: string; readonly [label: string]: unknown } = {},
): Manifest {
  const spec = recordOf(output['spec'])
  const { namespaceSelector: _, ...written } = spec
  return {
    apiVersion: `${clusterSpiffeIdResource.group}/${clusterSpiffeIdResource.version}`,
    kind: clusterSpiffeIdResource.kind,
    metadata: {
      name: name ?? String(metaOf(output)['name']),
      labels: { ...recordOf(metaOf(output)['labels']), ...labels },
    },
    spec: { ...written, hint: hint ?? spec['hint'] },
  }
}
