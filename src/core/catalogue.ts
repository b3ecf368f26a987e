import { bindingKey, type BindingKey } from './binding.ts'
import { sameJson } from './json.ts'
import type { Resource } from './resources.ts'

/** Objects of kinds that mean the same, by kind, namespace and name. */
export class Catalogue<T> {
  readonly #kinds = new Map<Resource, Map<string, T>>()

  get(resource: Resource, namespace: string, name: string): T | undefined {
    return this.#kinds.get(resource)?.get(bindingKey(namespace, name))
  }

  isEmpty(resource: Resource): boolean {
    return (this.#kinds.get(resource)?.size ?? 0) === 0
  }

  /** An undefined value removes the object. Returns whether anything changed. */
  set(resource: Resource, namespace: string, name: string, value: T | undefined): boolean {
    const objects = this.#kinds.get(resource) ?? new Map<BindingKey, T>()
    this.#kinds.set(resource, objects)
    const key = bindingKey(namespace, name)
    const before = objects.get(key)
    if (value === undefined) return objects.delete(key)
    // An equal value is dropped, so that bindings go on sharing the one that is kept.
    if (before !== undefined && sameJson(before, value)) return false
    objects.set(key, value)
    return true
  }
}
