import { bindingKey, decodeBinding, given, type Binding } from '../core/binding.ts'
import { conditionIn, readyIn, summaryIn } from '../core/conditions.ts'
import { field, objectOr } from '../core/json.ts'
import { fateOf, lacksIdentity } from '../core/output-stats.ts'
import { bindingResource } from '../core/resources.ts'
import { show } from '../core/show.ts'
import { isCurrent } from '../core/stored-status.ts'
import type { SpireSight } from './cluster.ts'
import { explained, failureFindings, isFailureCondition } from './failure-findings.ts'
import { sinceOf, spanOf } from './layout.ts'
import type { Manifest } from './manifests.ts'
import type { Grade } from './page/model.ts'
import { refTo, type ReportFinding } from './report-finding.ts'
import { whyPassed, type SeenOutput } from './spire-state.ts'

/** One binding in `kleym status`, in the words of its printer columns. */
export type Row = {
  readonly namespace: string
  readonly name: string
  readonly mode: string
  readonly ready: string
  readonly condition: string
  readonly reason: string
  readonly message: string
  readonly spiffeID: string | null
  /** True if the status is about the present generation of the binding. */
  readonly current: boolean
  readonly deleting: boolean
  /** Why its deletion takes too long; null if it does not. */
  readonly hangs: string | null
  /** Why workloads lack the identity although the binding is Ready; null if they do not. */
  readonly unprocessed: string | null
  /** For how many seconds the binding has been in this state. */
  readonly seconds: number | null
}

/** The grade of a binding is the worst of what is found on it; one that leaves as it should is on its way. */
export function gradeOfRow(row: Row): Grade {
  const has = (severity: string): boolean => rowFindings(row).some((one) => one.severity === severity)
  if (has('error')) return 'error'
  return row.deleting || has('warning') ? 'warning' : 'ok'
}

/** How long a deletion may take. The operator needs seconds; only finalizers of others take longer. */
const deletedWithinMs = 60_000

/** The reason of a binding that the operator has not looked at yet, as its metrics have it. */
const initializing = 'Initializing'

/** How long a new binding may wait to be looked at. The operator needs seconds. */
const lookedAtWithinMs = 60_000

type RowContext = { readonly outputs: readonly SeenOutput[]; readonly spire: SpireSight; readonly now: Date }

export function rowsOf(manifests: readonly Manifest[], context: RowContext): readonly Row[] {
  const outputsOf = Map.groupBy(context.outputs, ({ owner }) => owner)
  return manifests
    .filter(({ resource }) => resource === bindingResource)
    .map(({ object, namespace, name }) =>
      rowOf(object, outputsOf.get(bindingKey(namespace, name)) ?? [], context),
    )
}

function rowOf(object: unknown, mine: readonly SeenOutput[], context: RowContext): Row {
  const binding = decodeBinding(object)
  const { namespace, name, spec, generation, deleting, status } = binding
  const metadata = objectOr(field(objectOr(object), 'metadata'))
  const ready = readyIn(status)
  const ids = field(status, 'computedSpiffeIDs')
  const id = Array.isArray(ids) ? field(objectOr(ids[0]), 'spiffeID') : undefined
  const mode = given(spec.mode)
  const leavingMs = sinceOf(field(metadata, 'deletionTimestamp'), context.now)
  const since =
    leavingMs ??
    sinceOf(
      field(conditionIn(status, 'Ready') ?? {}, 'lastTransitionTime') ?? field(metadata, 'creationTimestamp'),
      context.now,
    )
  return {
    namespace,
    name,
    mode: typeof mode === 'string' ? mode : show(mode),
    ready: ready?.status ?? 'Unknown',
    condition: summaryIn(status)?.condition ?? 'Ready',
    reason: ready?.reason ?? initializing,
    message: ready?.message ?? 'the operator has not looked at it yet',
    spiffeID: typeof id === 'string' ? id : null,
    current: isCurrent(status, generation),
    deleting,
    hangs: leavingMs !== undefined && leavingMs > deletedWithinMs ? hangsWords(binding, leavingMs) : null,
    unprocessed: ready?.status === 'True' && !deleting ? unprocessedWords(mine, context) : null,
    seconds: since === undefined ? null : Math.round(since / 1000),
  }
}

const hangsWords = ({ finalizers }: Binding, leavingMs: number): string =>
  finalizers.length === 0
    ? `its deletion has taken ${spanOf(leavingMs)}, though no finalizer keeps it`
    : `its deletion has waited for ${spanOf(leavingMs)} for the removal of finalizer${finalizers.length === 1 ? '' : 's'} ${finalizers.join(', ')}`

function unprocessedWords(mine: readonly SeenOutput[], { outputs, spire, now }: RowContext): string | null {
  for (const one of mine) {
    if (one.stats === undefined) {
      const passed = whyPassed(one, { all: outputs, spire, now })
      if (passed) return passed.cause
      continue
    }
    const fate = fateOf(one.stats)
    if (lacksIdentity(fate)) return `SPIRE Controller Manager makes no entries for it (${fate})`
  }
  return null
}

/** The findings on a binding; empty if it is well. */
export function rowFindings(row: Row): readonly ReportFinding[] {
  const { namespace, name, ready, reason, message, seconds, current, deleting, hangs, unprocessed } = row
  const about = (id: string, words: string, why = reason, severity: 'error' | 'warning' = 'error') => [
    {
      id,
      severity,
      reason: why,
      message: `${namespace}/${name}: ${words}`,
      affectedRefs: [refTo(bindingResource, row)],
    },
  ]
  if (hangs !== null) return about('binding-deleting', hangs, 'Deleting')
  if (deleting) return []
  if (ready === 'False')
    return about('binding-unhealthy', `${current ? '' : '(of an earlier generation) '}${message}`)
  if (ready !== 'True') {
    const isFresh = reason === initializing && seconds !== null && seconds * 1000 <= lookedAtWithinMs
    return about('binding-not-reconciled', message, reason, isFresh ? 'warning' : 'error')
  }
  if (!current) return about('binding-outdated', `(of an earlier generation) ${message}`, 'Outdated')
  return unprocessed === null ? [] : about('output-not-processed', unprocessed, 'NotProcessed')
}

/** The findings by the condition that a binding has failed. */
export const conditionFindings = (row: Row): readonly ReportFinding[] =>
  row.ready === 'False' && !row.deleting && isFailureCondition(row.condition)
    ? failureFindings({ type: row.condition, reason: row.reason, ...explained(row.reason, row.message) }, [
        refTo(bindingResource, row),
      ]).map((one) => ({
        ...one,
        message: `${row.namespace}/${row.name}: ${row.current ? '' : '(of an earlier generation) '}${one.message}`,
      }))
    : []
