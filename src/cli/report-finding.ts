import type { Resource } from '../core/resources.ts'
import { exitCodes, type ExitCode } from '../result.ts'

export type Severity = 'info' | 'warning' | 'error'

/** An object that a report names. Empty fields are left out. */
export type ObjectRef = {
  readonly name?: string
  readonly namespace?: string
  readonly group?: string
  readonly version?: string
  readonly kind?: string
}

/** A finding of a report. `id` is stable, for scripts; the words are for people. */
export type ReportFinding = {
  readonly id: string
  readonly severity: Severity
  readonly reason: string
  readonly message: string
  readonly affectedRefs: readonly ObjectRef[]
  /** What the user should do. */
  readonly fix?: string
}

export function refTo(
  { group, version, kind }: Pick<Resource, 'group' | 'version' | 'kind'>,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): ObjectRef {
  return {
    ...(name && { name }),
    ...(namespace && { namespace }),
    ...(group && { group }),
    ...(version && { version }),
    kind,
  }
}

export const deploymentKind = { group: 'apps', version: 'v1', kind: 'Deployment' }

/** The fields that every report begins with. */
export const headOf = (kind: string, now: Date) => ({
  schemaVersion: 'v1alpha1',
  kind,
  generatedAt: now.toISOString().replace(/\.\d+Z$/, 'Z'),
})

export type ReportGrade = 'OK' | 'WARNING' | 'ERROR'

export function gradeOfFindings(findings: readonly Pick<ReportFinding, 'severity'>[]): ReportGrade {
  const has = (severity: Severity): boolean => findings.some((one) => one.severity === severity)
  return has('error') ? 'ERROR' : has('warning') ? 'WARNING' : 'OK'
}

/** The exit code for findings. With `strict`, warnings count as failures. */
export function exitCodeOf(findings: readonly ReportFinding[], strict: boolean): ExitCode {
  const grade = gradeOfFindings(findings)
  return grade === 'ERROR' || (strict && grade === 'WARNING') ? exitCodes.findings : exitCodes.fine
}

/** The finding that some kinds may not be listed, so that the report is incomplete. */
export function limitedBy(unseen: readonly string[]): readonly ReportFinding[] {
  if (unseen.length === 0) return []
  return [
    {
      id: 'rbac-limited',
      severity: 'warning',
      reason: 'Forbidden',
      message: `not all could be seen: ${unseen.join('; ')}`,
      affectedRefs: [],
      fix: 'ask for permission to get and list these, if they matter',
    },
  ]
}

export const reportLine = ({ severity, id, reason, message, fix }: ReportFinding): string =>
  `${severity.padEnd(7)} ${id} (${reason}): ${message}${fix === undefined ? '' : `. Fix: ${fix}`}`
