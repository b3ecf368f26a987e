import type { BindingKey } from './binding.ts'
import { collisionKeyIn, type Output } from './clusterspiffeid.ts'
import { decodeFallback, type Fallback } from './fallbacks.ts'
import { Terms } from './terms.ts'

/** An output, and the collision key that it holds for its workloads. */
type Held = { readonly output: Output; readonly held: string | undefined }

/** The ClusterSPIFFEIDs there are, found by whose they are and by the collision key that they hold. */
export class OutputIndex {
  readonly #outputs = new Map<string, Output>()
  readonly #owners = new Terms<string>()
  readonly #holders = new Terms<string>()
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

  /** Undefined for one that is gone. Returns what was there and what is there now. */
  set(name: string, output: Output | undefined): readonly Held[] {
    const [before, after] = [this.#outputs.get(name), output].map(
      (one) => one && { output: slim(one), held: collisionKeyIn(one) },
    )
    if (before) this.#remove(name, before)
    if (after) this.#add(name, after)
    const fallback = output && decodeFallback(output)
    if (fallback) this.#fallbacks.set(name, fallback)
    return [before, after].filter((one) => one !== undefined)
  }

  #add(name: string, { output, held }: Held): void {
    this.#outputs.set(name, output)
    if (output.owner !== undefined) this.#owners.add(name, output.owner)
    if (held !== undefined) this.#holders.add(name, held)
    if (output.copyOf !== undefined) this.#copies.add(name, output.copyOf)
    this.#noteProcessing(output)
  }

  #remove(name: string, { output, held }: Held): void {
    this.#outputs.delete(name)
    this.#fallbacks.delete(name)
    this.#unprocessed.delete(name)
    if (output.owner !== undefined) this.#owners.remove(name, output.owner)
    if (held !== undefined) this.#holders.remove(name, held)
    if (output.copyOf !== undefined) this.#copies.remove(name, output.copyOf)
  }

  #noteProcessing(output: Output): void {
    if (isUnprocessed(output)) this.#unprocessed.add(output.name)
    else this.#unprocessed.delete(output.name)
  }

  owners(): readonly BindingKey[] {
    return [...this.#outputs.values()].flatMap(({ owner }) => owner ?? [])
  }

  /** Ours, whose ever. */
  *owned(): Iterable<Output> {
    for (const output of this.#outputs.values()) if (output.owner !== undefined) yield output
  }

  /** Ours that SPIRE Controller Manager has not looked at. */
  unprocessed(): readonly Output[] {
    return this.#all(this.#unprocessed)
  }

  fallbacks(): Iterable<Fallback> {
    return this.#fallbacks.values()
  }

  of(owner: BindingKey): readonly Output[] {
    return this.#all(this.#owners.of(owner))
  }

  /** What somebody has made after the output of a binding, annotation and all. */
  copiesOf(key: BindingKey): readonly Output[] {
    return this.#all(this.#copies.of(key))
  }

  holding(collisionKey: string): readonly Output[] {
    return this.#all(this.#holders.of(collisionKey))
  }

  #all(names: ReadonlySet<string>): readonly Output[] {
    return [...names].flatMap((name) => this.get(name) ?? [])
  }
}

const isUnprocessed = ({ owner, deleting, stats }: Output): boolean =>
  owner !== undefined && !deleting && stats === undefined

/** Of somebody else's it is enough that it is there: there may be many, and large ones. */
const slim = (output: Output): Output =>
  output.owner === undefined ? { ...output, labels: {}, spec: {}, stats: undefined } : output
