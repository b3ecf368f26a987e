import type { BindingKey } from './binding.ts'

/** The bindings that one change concerns, and how many of their stakes have been worked out anew. */
export class Job {
  readonly id: string
  /** Undefined for a change that concerns all namespaces. */
  readonly namespace: string | undefined
  readonly keys: readonly BindingKey[]
  /** The collision keys that somebody was found to take or to give up. */
  readonly contested: Set<string>
  #at = 0

  constructor(
    id: string,
    namespace: string | undefined,
    keys: readonly BindingKey[],
    contested: Iterable<string>,
  ) {
    this.id = id
    this.namespace = namespace
    this.keys = keys
    this.contested = new Set(contested)
  }

  /** The next binding; undefined once there is none left. */
  next(): BindingKey | undefined {
    const key = this.keys[this.#at]
    this.#at += 1
    return key
  }
}

/**
 * The changes that concern so many bindings that these are worked out later, a few at a time, the newest change first.
 * A change takes the place of an earlier one of the same object. A binding that no longer uses the object has itself been changed
 * since then, and was worked out by that change.
 */
export class Backlog {
  /** The last is the newest. */
  #jobs: readonly Job[] = []

  get newest(): Job | undefined {
    return this.#jobs.at(-1)
  }

  /** @param namespace undefined for a change that concerns all bindings, and so takes the place of all others */
  add(id: string, namespace: string | undefined, keys: readonly BindingKey[]): void {
    const isCovered = (job: Job): boolean => namespace === undefined || job.id === id
    const contested = this.#jobs.filter(isCovered).flatMap((job) => [...job.contested])
    this.#jobs = [...this.#jobs.filter((job) => !isCovered(job)), new Job(id, namespace, keys, contested)]
  }

  end(job: Job): void {
    this.#jobs = this.#jobs.filter((other) => other !== job)
  }

  /** Whether the stake of a binding of this namespace may still have to be worked out. */
  isPending(namespace: string): boolean {
    return this.#jobs.some((job) => job.namespace === undefined || job.namespace === namespace)
  }
}
