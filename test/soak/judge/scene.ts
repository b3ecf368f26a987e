import { bindingKey, decodeBinding, type Binding, type BindingKey } from '../../../src/core/binding.ts'
import { decodeOutput, type Output } from '../../../src/core/clusterspiffeid.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
  gvk,
  type Resource,
} from '../../../src/core/resources.ts'
import { serves } from '../../../src/kube/definition.ts'
import { decodeObject } from '../../../src/kube/object.ts'
import type { State } from '../../support/model.ts'
import { allResources, metaOf, placeOf } from '../../support/world.ts'
import type { Change } from '../history.ts'

/** What is in the cluster at the moment to which the history has come. */
export class Scene {
  readonly #objects = new Map<string, Change>()
  readonly #bindings = new Map<BindingKey, Binding>()
  readonly #outputs = new Map<string, Output>()

  /** Returns what was there before. */
  take(change: Change): Change | undefined {
    const { resource, object, removed } = change
    const key = keyOf(resource, object)
    const before = this.#objects.get(key)
    if (removed) this.#objects.delete(key)
    else this.#objects.set(key, change)
    if (resource === bindingResource) update(this.#bindings, keyOfBinding, decodeBinding(object), removed)
    if (resource === clusterSpiffeIdResource)
      update(this.#outputs, ({ name }) => name, decodeOutput(object), removed)
    return before
  }

  state(): State {
    const all = [...this.#objects.values()]
    return {
      served: allResources.filter((resource) => this.#isServed(resource)),
      objects: all.filter(({ resource }) => resource !== definitionResource),
    }
  }

  binding(key: BindingKey): Binding | undefined {
    return this.#bindings.get(key)
  }

  bindings(): readonly Binding[] {
    return [...this.#bindings.values()]
  }

  /** The ClusterSPIFFEIDs of the operator's making. */
  outputs(): readonly Output[] {
    return [...this.#outputs.values()].filter(({ annotated }) => annotated)
  }

  outputsOf(key: BindingKey): readonly Output[] {
    return this.outputs().filter(({ owner }) => owner === key)
  }

  /** The API server itself removes what is of a kind that goes, and that is not there for a while. */
  isEnding(resource: Resource): boolean {
    const definition = this.#objects.get(`${gvk(definitionResource)} /${crdName(resource)}`)
    return definition === undefined || 'deletionTimestamp' in metaOf(definition.object)
  }

  #isServed(resource: Resource): boolean {
    const found = this.#objects.get(`${gvk(definitionResource)} /${crdName(resource)}`)
    const definition = found && decodeObject(found.object)
    return definition !== undefined && serves(definition, resource.version)
  }
}

function update<Key, Value>(
  all: Map<Key, Value>,
  keyIn: (value: Value) => Key,
  value: Value,
  removed: boolean,
): void {
  if (removed) all.delete(keyIn(value))
  else all.set(keyIn(value), value)
}

const keyOf = (resource: Resource, object: Change['object']): string => {
  const { namespace = '', name } = placeOf(object)
  return `${gvk(resource)} ${namespace}/${name}`
}

export const keyOfBinding = ({ namespace, name }: Binding): BindingKey => bindingKey(namespace, name)
