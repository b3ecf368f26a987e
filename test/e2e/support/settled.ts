import { bindingResource } from '../../../src/core/resources.ts'
import { listOf, recordOf, type Json } from '../../support/embedded/json.ts'
import type { Manifest } from '../../support/vectors.ts'
import { metaOf, type Cluster } from './cluster.ts'
import { outputsOf } from './scene.ts'

type Rendered = Readonly<
  Record<'computedSpiffeIDs' | 'renderedSelectors' | 'renderedClusterSPIFFEID', unknown>
>

/** What a cluster shows of one binding. */
export type Shown = {
  /** The outcome, in the words of the worked cases. */
  readonly settled: Json
  readonly conditions: readonly Json[]
  /** What the status says of the output. */
  readonly rendered: Rendered
  readonly generation: unknown
  /** The `observedGeneration` of the status as a whole. */
  readonly observedGeneration: unknown
  readonly outputs: readonly Json[]
}

export async function show(cluster: Cluster, manifest: Manifest): Promise<Shown> {
  const { namespace, name } = manifest.metadata
  const binding = (await cluster.find(bindingResource, { namespace, name })) ?? {}
  const status = recordOf(binding['status'])
  const conditions = listOf(status['conditions']).map(recordOf)
  const outputs = await outputsOf(cluster, manifest)
  const [output = {}] = outputs
  const spec = recordOf(output['spec'])
  const ready = conditions.find(({ type }) => type === 'Ready')
  const failed = conditions.find((one) => one['type'] !== 'Ready' && one['status'] === 'True')
  return {
    settled: {
      ready: ready?.['status'],
      condition: failed?.['type'] ?? 'Ready',
      reason: ready?.['reason'],
      message: ready?.['message'],
      spiffeID: spec['spiffeIDTemplate'],
      selectors: spec['workloadSelectorTemplates'],
      podSelector: spec['podSelector'],
      namespaceSelector: spec['namespaceSelector'],
      clusterSPIFFEIDName: metaOf(output)['name'],
      labels: metaOf(output)['labels'],
      hint: spec['hint'],
      className: spec['className'],
    },
    conditions,
    rendered: {
      computedSpiffeIDs: status['computedSpiffeIDs'],
      renderedSelectors: status['renderedSelectors'],
      renderedClusterSPIFFEID: status['renderedClusterSPIFFEID'],
    },
    generation: metaOf(binding)['generation'],
    observedGeneration: status['observedGeneration'],
    outputs,
  }
}

const conditionTypes = ['Ready', 'Conflict', 'InvalidRef', 'UnsafeSelector', 'RenderFailure']

/** Reasons whose status always has Stalled, and those of which some statuses have it. */
const stalling = new Set<unknown>([
  'InvalidPoolRef',
  'MissingObjectiveRef',
  'UnsupportedMode',
  'InvalidServiceAccountName',
  'InvalidContainerName',
  'UnexpectedContainerName',
])
const perhapsStalling = new Set<unknown>(['InvalidObjectiveRef', 'ManagedOutputApplyFailed'])

/** The conditions of a settled status, whatever the outcome. */
export function settledConditions({ settled, generation, conditions }: Shown): readonly Json[] {
  const { ready, condition, reason, message } = settled
  const isThere = conditions.some(({ type }) => type === 'Stalled')
  const isStalled = stalling.has(reason) || (isThere && perhapsStalling.has(reason))
  const stalled = { type: 'Stalled', status: 'True', reason, message, observedGeneration: generation }
  const five = conditionTypes.map((type) => {
    if (type === 'Ready') return { type, status: ready, observedGeneration: generation }
    return type === condition
      ? { type, status: 'True', reason, message, observedGeneration: generation }
      : { type, status: 'False', reason: 'Resolved', observedGeneration: generation }
  })
  return [...five, ...(isStalled ? [stalled] : [])]
}

/** What a settled status says of the output: all about it, or nothing where there must be none. */
export function settledRendering({ outputs: [output] }: Shown): Rendered {
  if (!output)
    return { computedSpiffeIDs: undefined, renderedSelectors: undefined, renderedClusterSPIFFEID: undefined }
  const { spiffeIDTemplate: spiffeID, workloadSelectorTemplates: selectors } = recordOf(output['spec'])
  const { name, uid, generation: observedGeneration } = metaOf(output)
  const mode = String(name).includes('-objective-') ? 'PerObjective' : 'PoolOnly'
  return {
    computedSpiffeIDs: [{ mode, spiffeID }],
    renderedSelectors: [{ spiffeID, selectors }],
    renderedClusterSPIFFEID: { name, uid, spiffeID, observedGeneration },
  }
}
