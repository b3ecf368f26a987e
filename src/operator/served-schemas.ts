import type { Resource } from '../core/resources.ts'
import type { SchemaSeen } from './schema-seen.ts'

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
  /** What was seen of each served kind last, and the text that identifies its schema. */
  readonly #schemas = new Map<Resource, { readonly seen: SchemaSeen; readonly text: string }>()
  readonly #fresh = new Set<Resource>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ServedSchemasOptions) {
    this.#options = options
  }

  /** Identifies the schema of a kind; undefined for one that is not served. It is another text once the schema has settled. */
  of(resource: Resource): string | undefined {
    return this.#schemas.get(resource)?.text
  }

  /**
   * Notes the schema of a kind; undefined for a kind that is not served. Returns whether it replaces another one, which a kind
   * that was not there before does not have.
   */
  note(resource: Resource, seen: SchemaSeen | undefined): boolean {
    const former = this.#schemas.get(resource)
    if (!seen) {
      this.#schemas.delete(resource)
      return false
    }
    const isSame = former !== undefined && isOneSchema(former.seen, seen)
    this.#schemas.set(resource, { seen, text: isSame ? former.text : textOf(seen) })
    return former !== undefined && !isSame
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
      if (schema) this.#schemas.set(resource, { ...schema, text: `${textOf(schema.seen)}, everywhere` })
      this.#options.settled(resource)
    }
    this.#fresh.clear()
  }
}

const textOf = ({ uid, generation }: SchemaSeen): string => `${uid}/${generation}`

/**
 * Whether objects are stored and read alike by both. Equal contents are not enough where a generation in between was not seen, as
 * after an outage: by the schema of that time objects may have been pruned.
 */
const isOneSchema = (before: SchemaSeen, after: SchemaSeen): boolean =>
  before.uid === after.uid &&
  before.content === after.content &&
  Math.abs(after.generation - before.generation) <= 1
