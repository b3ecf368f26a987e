import { rules } from '../core/findings.ts'
import { fateOf, lacksIdentity, type Fate } from '../core/output-stats.ts'
import { bindingResource, clusterSpiffeIdResource } from '../core/resources.ts'
import { show } from '../core/show.ts'
import type { Inspection } from './inspection.ts'
import { isThere, outputWords } from './output-state.ts'
import { parted, type PodState } from './pod-state.ts'
import { refTo, type ReportFinding } from './report-finding.ts'

/**
 * Findings on what follows the binding: its ClusterSPIFFEID, what SPIRE Controller Manager made of it, and the pods.
 * They can keep workloads from an identity although the binding is Ready.
 */
export function troublesBeyond(inspection: Inspection): readonly ReportFinding[] {
  const { binding } = inspection
  if (binding.deleting) return []
  return [...outputTroubles(inspection), ...processingTroubles(inspection), ...podTroubles(inspection)]
}

type Words = { readonly reason: string; readonly message: string; readonly fix: string }

const trouble = (
  { binding, output }: Inspection,
  id: string,
  { reason, message, fix }: Words,
): ReportFinding => ({
  id,
  severity: 'error',
  reason,
  message,
  affectedRefs: [
    refTo(bindingResource, binding),
    ...(output.name === null ? [] : [refTo(clusterSpiffeIdResource, { name: output.name })]),
  ],
  fix,
})

function outputTroubles(inspection: Inspection): readonly ReportFinding[] {
  const { output } = inspection
  const { state, leftovers } = output
  const isWrong = state === 'missing' || state === 'deleting' || state === 'differs'
  const fix = 'the operator sets it right by itself; where that lasts, see its log'
  return [
    ...(isWrong
      ? [
          trouble(inspection, 'output-drift', {
            reason: { missing: 'Missing', deleting: 'Deleting', differs: 'Differs' }[state],
            message: `ClusterSPIFFEID ${outputWords(output)}`,
            fix,
          }),
        ]
      : []),
    ...(leftovers.length > 0
      ? [
          trouble(inspection, 'output-leftover', {
            reason: 'Leftover',
            message: `ClusterSPIFFEID ${leftovers.join(', ')} is left over`,
            fix,
          }),
        ]
      : []),
  ]
}

function processingTroubles(inspection: Inspection): readonly ReportFinding[] {
  const { output, passed } = inspection
  if (!isThere(output)) return []
  if (passed)
    return [
      trouble(inspection, 'output-not-processed', {
        reason: passed.reason,
        message: passed.cause,
        fix: passed.fix,
      }),
    ]
  const fate = fateOf(output.stats ?? undefined)
  if (output.stats === null || !lacksIdentity(fate)) return []
  return [trouble(inspection, 'output-failing', fateWords(fate, inspection))]
}

function fateWords(fate: Fate, { binding, config, output: { stats } }: Inspection): Words {
  switch (fate) {
    case 'namespace_ignored':
      return {
        reason: 'NamespaceIgnored',
        message: `SPIRE Controller Manager ignores namespace ${binding.namespace}`,
        fix: 'take it out of ignoreNamespaces in the configuration of SPIRE Controller Manager, or move the workloads',
      }
    case 'render_failures':
      return {
        reason: 'RenderFailures',
        message: `SPIRE Controller Manager could make no entry for ${stats?.podEntryRenderFailures ?? 0} of ${stats?.podsSelected ?? 0} pods: most likely it is of another trust domain than ${show(config.settings.trustDomain)}`,
        fix: 'run the operator with the trustDomain of SPIRE Controller Manager (--trust-domain); its log names what failed',
      }
    case 'entry_failures':
    case 'not_processed':
    case 'masked':
    case 'no_pods':
    case 'entries':
      return {
        reason: 'EntryFailures',
        message: `the SPIRE server refused ${stats?.entryFailures ?? 0} entries`,
        fix: 'see the log of SPIRE Controller Manager, which says why',
      }
  }
}

/** Findings on existing pods that do not fit. No pods at all is no finding, because they may come later. */
function podTroubles(inspection: Inspection): readonly ReportFinding[] {
  const { pods } = inspection
  if (!pods?.seen || !pods.complete) return []
  const { served, others } = parted(pods)
  const [nearlyFirst] = pods.nearly
  if (served.length > 0) return []
  const [first] = others
  if (first) return [trouble(inspection, 'workload-mismatch', unfitWords(first, others, inspection))]
  if (!nearlyFirst) return []
  return [
    trouble(inspection, 'workload-mismatch', {
      reason: 'NoPodSelected',
      message: `no pod has all labels of the pool; nearest comes pod ${nearlyFirst.name}: ${nearlyFirst.lacks.join('; ')}`,
      fix: 'correct the labels of the pods, or spec.selector of the pool',
    }),
  ]
}

/**
 * Describes a pod that does not fit. A wrong account is named before a wrong container, because pods under another
 * account get nothing in any container.
 */
function unfitWords(first: PodState, selected: readonly PodState[], { rendering }: Inspection): Words {
  const running = selected.filter((pod) => pod.serviceAccountName === rendering?.wanted.account)
  const rule = running.length === 0 ? rules.noSuchServiceAccount : rules.noSuchContainer
  const [shown = first] = running
  const unfit =
    selected.length === 1
      ? 'the one pod of the pool does not fit'
      : `none of ${selected.length} pods of the pool fits`
  return {
    reason: rule.reason,
    message: `${unfit}; pod ${shown.name}: ${shown.lacks.join('; ')}`,
    fix: rule.fix,
  }
}
