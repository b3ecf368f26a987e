import { admissionLabel, warnsOnly } from '../core/resources.ts'
import type { Checked } from './assess.ts'
import { outcomeOf } from './check-messages.ts'
import type { ClusterReads } from './cluster.ts'
import { Leniency } from './leniency.ts'
import type { Item } from './manifests.ts'

/**
 * The namespaces in which something is refused, the files have not written the label before it, and the label in the cluster asks
 * for warnings. Beside them, in words, the labels that could not be read.
 *
 * @param readNamespace undefined without a cluster
 */
export async function lenientInCluster(
  all: readonly Checked[],
  items: readonly Item[],
  readNamespace: ClusterReads['readNamespace'] | undefined,
): Promise<{ readonly namespaces: ReadonlySet<string>; readonly limits: readonly string[] }> {
  const namespaces = new Set<string>()
  const limits: string[] = []
  if (!readNamespace) return { namespaces, limits }
  const written = writtenBefore(items)
  const refused = all.filter((one) => outcomeOf(one) === 'deny' && !(one.item && written.has(one.item)))
  for (const name of new Set(refused.map(namespaceOf).filter((one) => one !== ''))) {
    const labels = await readNamespace(name)
    if (labels && warnsOnly(labels)) namespaces.add(name)
    if (!labels)
      limits.push(`goes on without the label ${admissionLabel} of Namespace ${name}, which could not be read`)
  }
  return { namespaces, limits }
}

/** The objects before which the files write the label of their namespace. */
function writtenBefore(items: readonly Item[]): ReadonlySet<Item> {
  const leniency = new Leniency(new Set())
  return new Set(
    items.filter((item) => {
      leniency.apply(item)
      return leniency.isWritten(item.namespace)
    }),
  )
}

const namespaceOf = (checked: Checked): string =>
  checked.kind === 'binding' ? checked.assessment.namespace : checked.item.namespace
