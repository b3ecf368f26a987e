import { bindingKey, finalizer, type Binding } from '../../src/core/binding.ts'
import type { ClusterSpiffeId } from '../../src/core/clusterspiffeid.ts'
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
  for (let index = 0; index < size; index++) addReady(inventory, namespaceOf(layout, index), index)
  return inventory
}

/** Adds a Ready binding with its pool, objective and ClusterSPIFFEID. Returns the binding as the API server has it. */
export function addReady(
  inventory: Inventory,
  namespace: string,
  index: number,
  references: readonly Manifest[] = referencesOf(namespace, 1, index),
  manifest: Manifest = binding(namespace, index),
): readonly { readonly resource: Resource; readonly object: JsonObject }[] {
  for (const reference of references) addManifest(inventory, reference, index)
  const { metadata, ...rest } = stored(manifest, index)
  const unready = { ...rest, metadata: { ...metadata, finalizers: [finalizer] } }
  add(inventory, bindingResource, unready)
  const { output, status } = settled(inventory, known(inventory, namespace, index))
  const { metadata: renderedMetadata, ...renderedRest } = stored(output, index)
  // The status tells of a ClusterSPIFFEID with this uid.
  const rendered = { ...renderedRest, metadata: { ...renderedMetadata, uid: metadata.uid } }
  add(inventory, clusterSpiffeIdResource, rendered)
  const ready = { ...unready, status }
  add(inventory, bindingResource, ready)
  return [
    ...references.map((reference) => ({ resource: resourceOf(reference), object: stored(reference, index) })),
    { resource: bindingResource, object: ready },
    { resource: clusterSpiffeIdResource, object: rendered },
  ]
}

/** Adds the pool and the objective of a binding that may come later. */
export function addReferences(inventory: Inventory, namespace: string, index: number): void {
  for (const manifest of referencesOf(namespace, 1, index)) addManifest(inventory, manifest, index)
}

export const addManifest = (inventory: Inventory, manifest: Manifest, version: number = 0): void =>
  add(inventory, resourceOf(manifest), stored(manifest, version))

/** What the loop would write for a binding that is known. */
export function settled(
  inventory: Inventory,
  one: Binding,
): { readonly output: ClusterSpiffeId; readonly status: JsonObject } {
  const plan = planOf(one, evaluate(one, inventory), settings)
  if (plan.kind === 'withdraw') throw new Error(`${one.namespace}/${one.name} is not good`)
  const { identity, wanted } = plan
  const output = { name: wanted.metadata.name, uid: one.uid, generation: 1 }
  return {
    output: wanted,
    status: statusOf(
      { kind: 'ready', identity, output },
      { settings, generation: one.generation, previous: one.status, now: new Date(0) },
    ),
  }
}

function known(inventory: Inventory, namespace: string, index: number): Binding {
  const one = inventory.binding(bindingKey(namespace, binding(namespace, index).metadata.name))
  if (!one) throw new Error(`binding ${index} is not known`)
  return one
}

/** A manifest with the metadata that the API server adds. */
const stored = <T extends { readonly metadata: JsonObject }>(manifest: T, index: number) => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    uid: crypto.randomUUID(),
    resourceVersion: String(1000 + index),
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
})

/** Adds an object as it comes from the wire, with no string that another object shares. */
function add(inventory: Inventory, resource: Resource, object: JsonObject): void {
  inventory.apply({ kind: 'upserted', resource, object: JSON.parse(JSON.stringify(object)) })
}
