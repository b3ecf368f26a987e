import { bindingKey, decodeBinding, type Binding, type BindingKey } from '../../../src/core/binding.ts'
import { decodeOutput, type Output } from '../../../src/core/clusterspiffeid.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  definitionResource,
  type Resource,
} from '../../../src/core/resources.ts'
import type { State } from '../../support/model.ts'
import { metaOf } from '../../support/world.ts'
import type { Change } from '../history.ts'
import { Cuts } from './cuts.ts'
import { keyOfDefinition, keyOfObject, servedBy } from './objects.ts'

/** What is in the cluster at the moment to which the history has come. */
export class Scene {
  readonly #objects = new Map<string, Change>()
  readonly #cuts = new Cuts()
  readonly #bindings = new Map<BindingKey, Binding>()
  readonly #outputs = new Map<string, Output>()

  /** Returns what was there before. */
  take(change: Change): Change | undefined {
    const { resource, object, removed } = change
    const key = keyOfObject(resource, object)
    const before = this.#objects.get(key)
    this.#cuts.note(change, before)
    if (removed) this.#objects.delete(key)
    else this.#objects.set(key, change)
    if (resource === bindingResource) update(this.#bindings, keyOfBinding, decodeBinding(object), removed)
    if (resource === clusterSpiffeIdResource)
      update(this.#outputs, ({ name }) => name, decodeOutput(object), removed)
    return before
  }

  state(): State {
    const all = [...this.#objects.values()]
    const [definitions, objects] = [true, false].map((are) =>
      all.filter(({ resource }) => (resource === definitionResource) === are),
    )
    return { served: servedBy(definitions ?? []), objects: objects ?? [] }
  }

  /** The states that the operator may have taken a namespace to be in since then; undefined if there are too many. */
  cutsSince(from: number, namespace: string): Iterable<State> | undefined {
    return this.#cuts.since(from, namespace, this.#objects)
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

  /** Whether a kind is going or gone: then the API server itself removes its objects. */
  isEnding(resource: Resource): boolean {
    const definition = this.#objects.get(keyOfDefinition(resource))
    return definition === undefined || 'deletionTimestamp' in metaOf(definition.object)
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

export const keyOfBinding = ({ namespace, name }: Binding): BindingKey => bindingKey(namespace, name)
