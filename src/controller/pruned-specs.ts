import type { ClusterSpiffeId, Output } from '../core/clusterspiffeid.ts'
import { sameJson, type JsonObject } from '../core/json.ts'

/**
 * The specs of outputs that the API server stored otherwise than they were sent: an older CustomResourceDefinition prunes
 * fields that it does not know. Without these notes every run would find the stored spec different from the wanted one, and
 * write it again. A note is valid under the schema it was made under, because another schema may keep more.
 */
export class PrunedSpecs {
  readonly #schema: () => string | undefined
  readonly #specs = new Map<
    string,
    { readonly sent: JsonObject; readonly stored: JsonObject; readonly schema: string | undefined }
  >()

  /** @param schema identifies the schema that ClusterSPIFFEIDs are stored by */
  constructor(schema: () => string | undefined) {
    this.#schema = schema
  }

  /** The spec that the API server made of this one; undefined if that is not known, or it is the same. */
  of({ metadata, spec }: ClusterSpiffeId): JsonObject | undefined {
    const note = this.#specs.get(metadata.name)
    if (!note || note.schema !== this.#schema()) return undefined
    return sameJson(note.sent, spec) ? note.stored : undefined
  }

  note({ spec: sent }: ClusterSpiffeId, { name, spec: stored }: Output): void {
    if (sameJson(stored, sent)) this.#specs.delete(name)
    else this.#specs.set(name, { sent, stored, schema: this.#schema() })
  }

  /** The names of the outputs that were pruned. */
  names(): Iterable<string> {
    return this.#specs.keys()
  }

  forget(name: string): void {
    this.#specs.delete(name)
  }
}
