import type { BindingKey } from './binding.ts'
import { collisionKeyIn, type Output } from './clusterspiffeid.ts'
import { decodeFallback, type Fallback } from './fallbacks.ts'
import { Terms } from './terms.ts'

/** An output and the collision key whose workloads it serves. */
type KeyedOutput = { readonly output: Output; readonly collisionKey: string | undefined }

/** The existing ClusterSPIFFEIDs, found by the binding that they belong to and by their collision key. */
export class OutputIndex {
  readonly #outputs = new Map<string, Output>()
  readonly #owners = new Terms<string>()
  readonly #collisionKeys = new Terms<string>()
  readonly #copies = new Terms<string>()
  readonly #fallbacks = new Map<string, Fallback>()
  readonly #unprocessed = new Set<string>()

  get(name: string): Output | undefined {
    return this.#outputs.get(name)
  }

  /** A state of an output that differs from the one before in nothing that it is found by. */
  refresh(output: Output): void {
    this.#outputs.set(output.name, output)
    this.#noteProcessing(output)
  }

  /** An undefined output removes it. Returns the entries before and after. */
  set(name: string, output: Output | undefined): readonly KeyedOutput[] {
    const [before, after] = [this.#outputs.get(name), output].map(
      (one) => one && { output: slim(one), collisionKey: collisionKeyIn(one) },
    )
    // A changed output keeps its place, so whoever goes through the outputs in slices meets it once.
    if (before) this.#unfile(name, before)
    if (after) this.#file(name, after)
    else {
      this.#outputs.delete(name)
      this.#unprocessed.delete(name)
    }
    const fallback = output && decodeFallback(output)
    if (fallback) this.#fallbacks.set(name, fallback)
    else this.#fallbacks.delete(name)
    return [before, after].filter((one) => one !== undefined)
  }

  #file(name: string, { output, collisionKey }: KeyedOutput): void {
    this.#outputs.set(name, output)
    if (output.owner !== undefined) this.#owners.add(name, output.owner)
    if (collisionKey !== undefined) this.#collisionKeys.add(name, collisionKey)
    if (output.copyOf !== undefined) this.#copies.add(name, output.copyOf)
    this.#noteProcessing(output)
  }

  #unfile(name: string, { output, collisionKey }: KeyedOutput): void {
    if (output.owner !== undefined) this.#owners.remove(name, output.owner)
    if (collisionKey !== undefined) this.#collisionKeys.remove(name, collisionKey)
    if (output.copyOf !== undefined) this.#copies.remove(name, output.copyOf)
  }

  #noteProcessing(output: Output): void {
    if (isUnprocessed(output)) this.#unprocessed.add(output.name)
    else this.#unprocessed.delete(output.name)
  }

  /** The binding of each output that is ours. */
  *owners(): Iterable<BindingKey> {
    for (const { owner } of this.#outputs.values()) if (owner !== undefined) yield owner
  }

  /** The outputs of all bindings. */
  *owned(): Iterable<Output> {
    for (const output of this.#outputs.values()) if (output.owner !== undefined) yield output
  }

  /** Our outputs that SPIRE Controller Manager has not processed. */
  unprocessed(): IteratorObject<Output> {
    return this.#unprocessed
      .values()
      .map((name) => this.get(name))
      .filter((output) => output !== undefined)
  }

  fallbacks(): Iterable<Fallback> {
    return this.#fallbacks.values()
  }

  of(owner: BindingKey): readonly Output[] {
    return this.#all(this.#owners.of(owner))
  }

  /** ClusterSPIFFEIDs that somebody copied from the output of a binding, with its annotation. */
  copiesOf(key: BindingKey): readonly Output[] {
    return this.#all(this.#copies.of(key))
  }

  /** The collision keys of what the former operator left of a binding: they are taken only while that binding is there. */
  leftKeys(owner: BindingKey): readonly (string | undefined)[] {
    return [...this.#owners.of(owner)].flatMap((name) => {
      const one = this.#outputs.get(name)
      return one && !one.annotated ? collisionKeyIn(one) : []
    })
  }

  serving(collisionKey: string): readonly Output[] {
    return this.#all(this.#collisionKeys.of(collisionKey))
  }

  #all(names: Iterable<string>): readonly Output[] {
    return [...names].flatMap((name) => this.get(name) ?? [])
  }
}

const isUnprocessed = ({ owner, deleting, stats }: Output): boolean =>
  owner !== undefined && !deleting && stats === undefined

/**
 * Drops the content of a ClusterSPIFFEID that is not ours. Only its existence matters, and there may be many large
 * ones.
 */
const slim = (output: Output): Output =>
  output.owner === undefined ? { ...output, labels: {}, spec: {}, stats: undefined } : output
