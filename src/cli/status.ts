import { decodeBinding, given, type Binding } from '../core/binding.ts'
import { readyIn, summaryIn } from '../core/conditions.ts'
import { isCurrent } from '../core/said.ts'
import { field, objectOr } from '../core/json.ts'
import { bindingResource, crdName, gvk, optionalResources } from '../core/resources.ts'
import { show } from '../core/show.ts'
import type { ReadCluster } from './cluster.ts'
import { printed, type Format } from './print.ts'
import { exitCodes, notFound, usage, type CommandResult } from './result.ts'

export type StatusOptions = {
  /** All namespaces, where undefined. */
  readonly namespace: string | undefined
  readonly format: Format
}

/** What the status of one binding says, in the words of its printer columns. */
type Row = {
  readonly namespace: string
  readonly name: string
  readonly mode: string
  readonly ready: string
  readonly condition: string
  readonly reason: string
  readonly message: string
  readonly spiffeID: string | null
  /** Whether it is about the binding as it is now, and not about an earlier generation. */
  readonly current: boolean
  readonly deleting: boolean
}

/** Says how the bindings of a cluster are, as their statuses have it. Only reads. */
export async function status(
  { namespace, format }: StatusOptions,
  readCluster: ReadCluster,
): Promise<CommandResult> {
  const snapshot = await readCluster({ namespace, kinds: [bindingResource] })
  if (snapshot.kind === 'problem') return usage([snapshot.problem])
  if (!snapshot.served.includes(bindingResource))
    return notFound(`no CustomResourceDefinition ${crdName(bindingResource)} is served; install the operator`)
  const bindings = snapshot.manifests
    .filter(({ resource }) => resource === bindingResource)
    .map(({ object }) => rowOf(decodeBinding(object)))
  const unserved = optionalResources.filter((resource) => !snapshot.served.includes(resource)).map(gvk)
  return {
    code: bindings.every(isFine) ? exitCodes.fine : exitCodes.findings,
    stdout: printed({ bindings, unserved }, linesOf({ bindings, unserved }), format),
    stderr: '',
  }
}

const isFine = ({ ready, current, deleting }: Row): boolean => deleting || (ready === 'True' && current)

function rowOf({ namespace, name, spec, generation, deleting, status: said }: Binding): Row {
  const ready = readyIn(said)
  const ids = field(said, 'computedSpiffeIDs')
  const id = Array.isArray(ids) ? field(objectOr(ids[0]), 'spiffeID') : undefined
  const mode = given(spec.mode)
  return {
    namespace,
    name,
    mode: typeof mode === 'string' ? mode : show(mode),
    ready: ready?.status ?? 'Unknown',
    condition: summaryIn(said)?.condition ?? 'Ready',
    reason: ready?.reason ?? 'Initializing',
    message: ready?.message ?? 'the operator has not looked at it yet',
    spiffeID: typeof id === 'string' ? id : null,
    current: isCurrent(said, generation),
    deleting,
  }
}

type Report = { readonly bindings: readonly Row[]; readonly unserved: readonly string[] }

function linesOf({ bindings, unserved }: Report): readonly string[] {
  const rows = bindings.map((row) => [
    row.namespace,
    row.name,
    row.mode,
    row.ready,
    row.reason,
    row.spiffeID ?? '',
  ])
  const troubled = bindings.filter((row) => !isFine(row))
  const leaving = bindings.filter(({ deleting }) => deleting)
  const counts = Map.groupBy(bindings, ({ condition, reason }) => `${condition}/${reason}`)
  const sums = [...counts].map(([summary, members]) => `${members.length} ${summary}`)
  return [
    ...(bindings.length > 0
      ? table([['NAMESPACE', 'NAME', 'MODE', 'READY', 'REASON', 'SPIFFE ID'], ...rows])
      : []),
    ...troubled.map(
      ({ namespace, name, ready, message, current }) =>
        `${namespace}/${name}: ${current || ready === 'Unknown' ? '' : '(of an earlier generation) '}${message}`,
    ),
    ...leaving.map(({ namespace, name }) => `${namespace}/${name}: it is being deleted`),
    bindings.length === 0
      ? 'there is no InferenceIdentityBinding'
      : `${bindings.length} in all: ${sums.join(', ')}`,
    ...unserved.map((kind) => `not served: ${kind}`),
  ]
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
