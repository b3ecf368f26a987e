import { bindingKey, decodeBinding, type Binding } from '../core/binding.ts'
import { setTarget } from '../core/consequences.ts'
import { isDns1123Subdomain } from '../core/names.ts'
import { Overlay, type IndexedWorld } from '../core/overlay.ts'
import { bindingResource, objectiveResources, poolResources, type Resource } from '../core/resources.ts'

/**
 * Reads one object from the API server; undefined if it is not there. Throws if there is no answer, which ends the
 * review without a decision.
 */
export type ReadLive = (resource: Resource, at: At) => Promise<unknown>

export type At = { readonly namespace: string; readonly name: string }

/** A namespace as memory has it, overlaid by the objects that were read from the API server. */
export class LiveNamespace {
  readonly world: Overlay
  readonly #namespace: string
  readonly #read: ReadLive

  constructor(remembered: IndexedWorld, namespace: string, read: ReadLive) {
    this.world = new Overlay(remembered, namespace)
    this.#namespace = namespace
    this.#read = read
  }

  /** Follows the references of a binding and reads every object that they may lead to, each once. */
  async readTargets({ spec }: Binding): Promise<void> {
    await Promise.all([
      ...this.#unread(poolResources, spec.poolRef.name),
      ...this.#unread(objectiveResources, spec.objectiveRef?.name),
    ])
  }

  #unread(row: readonly Resource[], name: unknown): readonly Promise<void>[] {
    if (typeof name !== 'string' || !isDns1123Subdomain(name)) return []
    return row
      .filter((resource) => this.world.isServed(resource) && !this.world.speaksOfTarget(resource, name))
      .map((resource) => this.#readTarget(resource, name))
  }

  async #readTarget(resource: Resource, name: string): Promise<void> {
    const object = await this.#read(resource, { namespace: this.#namespace, name })
    setTarget(this.world, resource, this.#namespace, name, object)
  }

  /** Reads another binding with its pools and objectives; undefined if it is gone or being deleted. */
  async readPeer(name: string): Promise<Binding | undefined> {
    const object = await this.#read(bindingResource, { namespace: this.#namespace, name })
    const binding = object === undefined ? undefined : decodeBinding(object)
    if (!binding || binding.deleting) {
      this.world.removeBinding(name)
      return undefined
    }
    await this.readTargets(binding)
    this.world.setBinding(binding)
    return binding
  }

  binding(name: string): Binding | undefined {
    return this.world.binding(bindingKey(this.#namespace, name))
  }
}
