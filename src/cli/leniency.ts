/** Namespaces whose label turns refusals into warnings, as the webhook reads it before it refuses. */
import { field, objectOr } from '../core/json.ts'
import { admissionLabel, namespaceResource, warnsOnly } from '../core/resources.ts'
import type { Checked } from './assess.ts'
import { outcomeOf } from './check-messages.ts'
import type { ClusterReads } from './cluster.ts'
import type { Located } from './manifests.ts'

export type Leniency = {
  readonly namespaces: ReadonlySet<string>
  /** What could not be asked, in words. */
  readonly limits: readonly string[]
}

/**
 * The namespaces whose label asks for warnings, among those in which something is refused. A Namespace in the files counts before that of
 * the cluster, wherever it stands: nothing can be created before its Namespace.
 *
 * @param readNamespace undefined without a cluster
 */
export async function leniencyIn(
  all: readonly Checked[],
  objects: readonly Located[],
  readNamespace: ClusterReads['readNamespace'] | undefined,
): Promise<Leniency> {
  const written = new Map(objects.flatMap(labelledNamespace))
  const namespaces = new Set<string>()
  const limits: string[] = []
  for (const name of new Set(all.filter((one) => outcomeOf(one) === 'deny').map(namespaceOf))) {
    const labels = written.get(name) ?? (await readNamespace?.(name))
    if (labels && warnsOnly(labels)) namespaces.add(name)
    if (!labels && readNamespace)
      limits.push(`goes on without the label ${admissionLabel} of Namespace ${name}, which could not be read`)
  }
  return { namespaces, limits }
}

const namespaceOf = (checked: Checked): string =>
  checked.kind === 'binding' ? checked.assessment.namespace : checked.item.namespace

/** The labels of a Namespace that writes the label; an object without it leaves the label in the cluster as it is. */
function labelledNamespace({ object, apiVersion, kind }: Located) {
  if (apiVersion !== namespaceResource.version || kind !== namespaceResource.kind) return []
  const metadata = objectOr(field(object, 'metadata'))
  const labels = objectOr(field(metadata, 'labels'))
  return field(labels, admissionLabel) === undefined
    ? []
    : [[String(field(metadata, 'name')), labels] as const]
}
