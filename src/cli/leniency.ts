/** Namespaces whose label turns refusals into warnings, as the webhook reads it before it refuses. */
import { field } from '../core/json.ts'
import { admissionLabel, warnsOnly } from '../core/resources.ts'
import type { Item } from './manifests.ts'

/** What the files have written of the label so far, and what the cluster has where they have written nothing. */
export class Leniency {
  readonly #inCluster: ReadonlySet<string>
  /** Whether the label asks for warnings, by the namespaces that the files have labelled. */
  readonly #written = new Map<string, boolean>()

  /** @param inCluster the namespaces whose label in the cluster asks for warnings */
  constructor(inCluster: ReadonlySet<string>) {
    this.#inCluster = inCluster
  }

  /**
   * Applies a Namespace. One that leaves the label out takes away the label that the files wrote before, as `kubectl apply` does,
   * and leaves that of the cluster, which may be another writer's.
   */
  apply({ name, labels }: Pick<Item, 'name' | 'labels'>): void {
    if (labels === undefined) return
    if (field(labels, admissionLabel) !== undefined || this.#written.has(name))
      this.#written.set(name, warnsOnly(labels))
  }

  /** Whether the files decide about a namespace, and not the cluster. */
  isWritten(namespace: string): boolean {
    return this.#written.has(namespace)
  }

  /** Whether refusals in a namespace are warnings now. */
  holdsIn(namespace: string): boolean {
    return this.#written.get(namespace) ?? this.#inCluster.has(namespace)
  }
}
