import { field, objectOr, textOr, type JsonObject } from './json.ts'

/** The parts of a Pod that advice looks at. */
export type Pod = {
  readonly name: string
  readonly labels: JsonObject
  readonly serviceAccountName: string
  /**
   * Names of containers and init containers, which include sidecars. Ephemeral containers are left out: SPIRE never
   * attests them.
   */
  readonly containers: readonly string[]
  /** RFC 3339; undefined if it does not run yet. */
  readonly runningSince: string | undefined
}

/** Pods that were listed; `complete` if there are no others. */
export type PodList = { readonly pods: readonly Pod[]; readonly complete: boolean }

/** Undefined for a pod that has finished or is being deleted: its workloads ask for no identity any more. */
export function decodePod(object: unknown): Pod | undefined {
  const { metadata, spec, status } = objectOr(object)
  const meta = objectOr(metadata)
  const phase = field(objectOr(status), 'phase')
  if (phase === 'Succeeded' || phase === 'Failed') return undefined
  if (field(meta, 'deletionTimestamp') !== undefined) return undefined
  const fields = objectOr(spec)
  const since = field(objectOr(status), 'startTime') ?? field(meta, 'creationTimestamp')
  return {
    name: textOr(field(meta, 'name'), ''),
    labels: objectOr(field(meta, 'labels')),
    serviceAccountName: textOr(field(fields, 'serviceAccountName'), 'default'),
    containers: [...namesIn(field(fields, 'initContainers')), ...namesIn(field(fields, 'containers'))],
    runningSince: phase === 'Running' && typeof since === 'string' ? since : undefined,
  }
}

const namesIn = (containers: unknown): readonly string[] =>
  Array.isArray(containers)
    ? containers.flatMap((container) => textOr(field(objectOr(container), 'name'), '') || [])
    : []
