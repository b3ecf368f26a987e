import type { Resource } from '../core/resources.ts'

type ServedSchemasOptions = {
  readonly settlesMs: number
  /** Told of each kind whose new schema every API server goes by now. */
  readonly settled: (resource: Resource) => void
}

/**
 * The schemas that kinds are served with. One that has just replaced another is fresh for a while: a write may still be stored
 * by the former one, or be pruned by an API server that has yet to hear of the new one.
 */
export class ServedSchemas {
  readonly #options: ServedSchemasOptions
  readonly #schemas = new Map<Resource, string | undefined>()
  readonly #fresh = new Set<Resource>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ServedSchemasOptions) {
    this.#options = options
  }

  /** Identifies the schema of a kind; undefined for one that is not served. It is another text once the schema has settled. */
  of(resource: Resource): string | undefined {
    return this.#schemas.get(resource)
  }

  /**
   * Notes the schema of a kind; undefined for a kind that is not served. Returns whether it replaces another one, which a kind
   * that was not there before does not have.
   */
  note(resource: Resource, schema: string | undefined): boolean {
    const former = this.#schemas.get(resource)
    this.#schemas.set(resource, schema)
    return former !== undefined && schema !== undefined && former !== schema && former !== settledText(schema)
  }

  isFresh(resource: Resource): boolean {
    return this.#fresh.has(resource)
  }

  /** Counts the schema of a kind as fresh. All fresh ones settle together, after the last of them has come. */
  freshen(resource: Resource): void {
    this.#fresh.add(resource)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#settle(), this.#options.settlesMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #settle(): void {
    for (const resource of this.#fresh) {
      const schema = this.#schemas.get(resource)
      // The kind may be gone by now.
      if (schema !== undefined) this.#schemas.set(resource, settledText(schema))
      this.#options.settled(resource)
    }
    this.#fresh.clear()
  }
}

const settledText = (schema: string): string => `${schema}, everywhere`
