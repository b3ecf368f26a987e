import { rules } from '../core/findings.ts'
import { fateOf, lacksIdentity, type Fate } from '../core/output-stats.ts'
import { show } from '../core/show.ts'
import type { Inspection } from './inspection.ts'
import { spanOf } from './layout.ts'
import { outputTroubles, trouble, type Words } from './output-findings.ts'
import { isThere } from './output-state.ts'
import { parted, type PodState } from './pod-state.ts'
import type { ReportFinding } from './report-finding.ts'
import { processedWithinMs } from './spire-state.ts'

/**
 * Findings on what follows the binding: its ClusterSPIFFEID, what SPIRE Controller Manager made of it, and the pods.
 * They can keep workloads from an identity although the binding is Ready.
 */
export function troublesBeyond(inspection: Inspection): readonly ReportFinding[] {
  const { binding } = inspection
  if (binding.deleting) return []
  return [
    ...outputTroubles(inspection),
    ...processingTroubles(inspection),
    ...entryDoubts(inspection),
    ...podTroubles(inspection),
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

/**
 * A warning if SPIRE Controller Manager has found no pod or made no entry, though pods that fit have run for a while. It is no
 * error, because the numbers are those of the last time that it went through all, which may be long ago.
 */
function entryDoubts(inspection: Inspection): readonly ReportFinding[] {
  const { output, longRunning } = inspection
  const { state, stats } = output
  if (state !== 'inPlace' || stats === null || longRunning === 0) return []
  const fate = fateOf(stats)
  const hasNoEntry = fate === 'entries' && stats.entriesToSet === 0
  if (fate !== 'no_pods' && !hasNoEntry) return []
  const running = longRunning === 1 ? 'a pod that fits has run' : `${longRunning} pods that fit have run`
  return [
    {
      ...trouble(inspection, 'output-without-entries', {
        reason: hasNoEntry ? 'NoEntries' : 'NoPodsSelected',
        message: `SPIRE Controller Manager ${hasNoEntry ? 'made no entry' : 'selected no pod'} when it last looked, though ${running} for over ${spanOf(processedWithinMs)}`,
        fix: 'see the log of SPIRE Controller Manager: it may be behind, or fail before it comes to these pods',
      }),
      severity: 'warning',
    },
  ]
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
