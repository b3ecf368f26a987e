import { bindingKey, finalizer, type Binding } from '../../src/core/binding.ts'
import { render } from '../../src/core/clusterspiffeid.ts'
import { statusOf } from '../../src/core/conditions.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { Inventory } from '../../src/core/inventory.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { planOf } from '../../src/core/plan.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  optionalResources,
  type Resource,
} from '../../src/core/resources.ts'
import { binding, referencesOf, resourceOf, type Manifest } from './manifests.ts'

export const settings = { trustDomain: 'kleym.sonda.red', className: undefined }

/** How bindings lie: ten to a namespace, or all in one, telling their containers apart by their pools alone. */
export type Layout = 'spread' | 'together'

export const namespaceOf = (layout: Layout, index: number): string =>
  layout === 'together' ? 'models' : `team-${Math.floor(index / 10)}`

export const emptyInventory = (): Inventory => {
  const inventory = new Inventory(settings)
  for (const resource of optionalResources) inventory.apply({ kind: 'served', resource, served: true })
  return inventory
}

/** An inventory as the watches would have filled it once so many bindings are Ready. */
export function filledInventory(size: number, layout: Layout): Inventory {
  const inventory = emptyInventory()
  for (let index = 0; index < size; index++) {
    const namespace = namespaceOf(layout, index)
    addReferences(inventory, namespace, index)
    add(inventory, bindingResource, storedBinding(namespace, index))
    const { output, status } = settled(inventory, known(inventory, namespace, index))
    add(inventory, clusterSpiffeIdResource, output)
    add(inventory, bindingResource, { ...storedBinding(namespace, index), status })
  }
  return inventory
}

/** The pool and the objective of a binding that may come. */
export function addReferences(inventory: Inventory, namespace: string, index: number): void {
  for (const manifest of referencesOf(namespace, 1, index)) addManifest(inventory, manifest, index)
}

export const addManifest = (inventory: Inventory, manifest: Manifest, version: number = 0): void =>
  add(inventory, resourceOf(manifest), stored(manifest, version))

/** What the loop would write for a binding that is known. */
export function settled(
  inventory: Inventory,
  one: Binding,
): { readonly output: JsonObject; readonly status: JsonObject } {
  const plan = planOf(one, evaluate(one, inventory), settings)
  if (plan.kind === 'withdraw') throw new Error(`${one.namespace}/${one.name} is not good`)
  const { identity } = plan
  const output = render(one, identity, settings)
  const { name, ...metadata } = output.metadata
  const { uid } = one
  return {
    output: { ...output, metadata: { ...metadata, ...meta(name, 0) } },
    status: statusOf(
      { kind: 'ready', identity, output: { name, uid, generation: 1 } },
      { settings, generation: one.generation, previous: one.status, now: new Date(0) },
    ),
  }
}

const storedBinding = (namespace: string, index: number): JsonObject => {
  const one = stored(binding(namespace, index), index)
  return { ...one, metadata: { ...one.metadata, finalizers: [finalizer] } }
}

function known(inventory: Inventory, namespace: string, index: number): Binding {
  const one = inventory.binding(bindingKey(namespace, binding(namespace, index).metadata.name))
  if (!one) throw new Error(`binding ${index} is not known`)
  return one
}

const stored = (manifest: Manifest, index: number): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, ...meta(manifest.metadata.name, index) },
})

const meta = (name: string, index: number) => ({
  name,
  uid: crypto.randomUUID(),
  resourceVersion: String(1000 + index),
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
})

/** As it comes from the wire: no string is shared with another object. */
function add(inventory: Inventory, resource: Resource, object: JsonObject): void {
  inventory.apply({ kind: 'upserted', resource, object: JSON.parse(JSON.stringify(object)) })
}
