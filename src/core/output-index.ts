import type { BindingKey } from './binding.ts'
import { collisionKeyIn, type Output } from './clusterspiffeid.ts'
import { Terms } from './terms.ts'

/** The ClusterSPIFFEIDs there are, found by whose they are and by the collision key that they hold. */
export class OutputIndex {
  readonly #outputs = new Map<string, Output>()
  readonly #owners = new Terms<string>()
  readonly #holders = new Terms<string>()

  get(name: string): Output | undefined {
    return this.#outputs.get(name)
  }

  /** Undefined for one that is gone. Returns the collision key that it holds now. */
  set(name: string, output: Output | undefined): string | undefined {
    this.#remove(name)
    if (!output) return undefined
    this.#outputs.set(name, output)
    if (output.owner !== undefined) this.#owners.add(name, output.owner)
    const held = collisionKeyIn(output)
    if (held !== undefined) this.#holders.add(name, held)
    return held
  }

  #remove(name: string): void {
    const output = this.#outputs.get(name)
    if (!output) return
    this.#outputs.delete(name)
    if (output.owner !== undefined) this.#owners.remove(name, output.owner)
    const held = collisionKeyIn(output)
    if (held !== undefined) this.#holders.remove(name, held)
  }

  owners(): readonly BindingKey[] {
    return [...this.#outputs.values()].flatMap(({ owner }) => owner ?? [])
  }

  of(owner: BindingKey): readonly Output[] {
    return this.#all(this.#owners.of(owner))
  }

  holding(collisionKey: string): readonly Output[] {
    return this.#all(this.#holders.of(collisionKey))
  }

  #all(names: ReadonlySet<string>): readonly Output[] {
    return [...names].flatMap((name) => this.#outputs.get(name) ?? [])
  }
}
