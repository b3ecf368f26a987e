import type { ClusterSpiffeId, Output } from '../core/clusterspiffeid.ts'
import { sameJson, type JsonObject } from '../core/json.ts'

/**
 * The specs of outputs that the API server stored otherwise than they were sent. An older CustomResourceDefinition prunes
 * fields that it does not know: whoever compares the stored spec with the sent one would write for ever. A note is valid for
 * the schema it was made under, because another schema may keep more.
 */
export class PrunedSpecs {
  readonly #schema: () => string | undefined
  readonly #specs = new Map<
    string,
    { readonly wish: JsonObject; readonly spec: JsonObject; readonly schema: string | undefined }
  >()

  /** @param schema identifies the schema that ClusterSPIFFEIDs are stored by */
  constructor(schema: () => string | undefined) {
    this.#schema = schema
  }

  of({ metadata, spec }: ClusterSpiffeId): JsonObject | undefined {
    const stored = this.#specs.get(metadata.name)
    if (!stored || stored.schema !== this.#schema()) return undefined
    return sameJson(stored.wish, spec) ? stored.spec : undefined
  }

  note({ spec: wish }: ClusterSpiffeId, { name, spec }: Output): void {
    if (sameJson(spec, wish)) this.#specs.delete(name)
    else this.#specs.set(name, { wish, spec, schema: this.#schema() })
  }

  /** The names of the outputs whose spec is stored otherwise than it was sent. */
  names(): Iterable<string> {
    return this.#specs.keys()
  }

  forget(name: string): void {
    this.#specs.delete(name)
  }
}
