import { finalizer, replacesAnnotation } from '../../../src/core/binding.ts'
import { ownerAnnotation } from '../../../src/core/clusterspiffeid.ts'
import { outputName } from '../../../src/core/output-name.ts'
import {
  definitionResource,
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  type Resource,
  allResources,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { clusterSpiffeId } from '../../support/builders.ts'
import type { Reply } from '../../support/embedded/client.ts'
import { recordOf, textsOf, type Json } from '../../support/embedded/json.ts'
import { inventoryOfState, planIn, stateOf } from '../../support/model.ts'
import { resourceOf, type Manifest } from '../../support/vectors.ts'
import { metaOf, placeOf, uidOf, versionOf, type World } from '../../support/world.ts'
import { chosen, copy, legacy, orphan, type Drift, type Edit, type Spoil } from './edits.ts'
import type { History } from './history.ts'

const hold = 'example.org/hold'

/** Does edits, past the faults, and remembers what of all that happens was its own doing. */
export class Walker {
  readonly #world: World
  readonly #history: History
  readonly #versions = new Set<number>()
  readonly #removed = new Set<string>()

  constructor(world: World, history: History) {
    this.#world = world
    this.#history = history
  }

  wrote(version: number): boolean {
    return this.#versions.has(version)
  }

  deleted(uid: string): boolean {
    return this.#removed.has(uid)
  }

  async do(edit: Edit): Promise<void> {
    switch (edit.kind) {
      case 'put':
        return this.#put(edit.manifest)
      case 'remove':
        return this.#remove(edit.of, edit.which)
      case 'serve':
      case 'unserve':
        return this.#serve(edit.kind === 'serve', edit.which)
      case 'drift':
        return this.#drift(edit.how, edit.which)
      case 'spoil':
        return this.#spoil(edit.how, edit.which)
      case 'rename':
        return this.#rename(edit.which, edit.replaces)
      case 'squat':
        return this.#squat(edit.which)
      case 'evict':
        return this.#evict(edit.which)
      case 'orphan':
        return this.#put(orphan(edit.which))
      case 'copy':
        return this.#put(copy(edit.which))
      case 'legacy':
        return this.#put(legacy(edit.which))
    }
  }

  /** Notes an edit as the walker's own. A refused edit has changed nothing: the kind is not served, or the object is gone. */
  #note({ code, body }: Reply): void {
    if (code >= 500) throw new Error(JSON.stringify(body))
    if (code < 300) this.#versions.add(versionOf(body))
  }

  async #put(manifest: Manifest): Promise<void> {
    const { client } = this.#world
    const resource = resourceOf(manifest)
    const { uid: _, generation: _generation, ...metadata } = manifest.metadata
    const created = await client.post(resourcePath(resource, { namespace: metadata.namespace }), {
      ...manifest,
      metadata,
    })
    if (created.code !== 409) return this.#note(created)
    const path = resourcePath(resource, metadata)
    this.#note(await client.patch(path, [{ op: 'replace', path: '/spec', value: manifest.spec }]))
  }

  async #patch(resource: Resource, object: Json, patch: Json, subresource?: string): Promise<void> {
    const path = resourcePath(resource, { ...placeOf(object), subresource })
    this.#note(await this.#world.client.patch(path, patch))
  }

  async #delete(resource: Resource, object: Json): Promise<void> {
    this.#removed.add(uidOf(object))
    this.#note(await this.#world.client.delete(resourcePath(resource, placeOf(object))))
  }

  async #remove(of: 'binding' | 'other', at: number): Promise<void> {
    const { objects } = await stateOf(this.#world)
    const found = objects.filter(
      ({ resource }) =>
        resource !== clusterSpiffeIdResource && (resource === bindingResource) === (of === 'binding'),
    )
    const victim = chosen(found, at)
    if (victim) await this.#delete(victim.resource, victim.object)
  }

  async #serve(wanted: boolean, at: number): Promise<void> {
    const { served } = await stateOf(this.#world)
    const resource = wanted
      ? chosen(
          allResources.filter((one) => !served.includes(one)),
          at,
        )
      : chosen(
          served.filter((one) => one !== bindingResource || at % 5 === 0),
          at,
        )
    if (!resource) return
    if (wanted) {
      await this.#world.serve(resource)
      await this.#history.follow(resource)
    } else {
      await this.#world.client.delete(resourcePath(definitionResource, { name: crdName(resource) }))
    }
  }

  async #drift(how: Drift, at: number): Promise<void> {
    const output = chosen(await this.#world.list(clusterSpiffeIdResource), at)
    if (!output || !isOurs(output)) return
    const resource = clusterSpiffeIdResource
    switch (how) {
      case 'field':
        return this.#patch(resource, output, { spec: { admin: true, ttl: `${at}s` } })
      case 'identity':
        return this.#patch(resource, output, { spec: { spiffeIDTemplate: `spiffe://example.org/x/${at}` } })
      case 'labels':
        return this.#patch(resource, output, { metadata: { labels: null } })
      case 'annotation':
        return this.#patch(resource, output, { metadata: { annotations: { [ownerAnnotation]: null } } })
      case 'deletion':
        return this.#delete(resource, output)
    }
  }

  async #spoil(how: Spoil, at: number): Promise<void> {
    const binding = chosen(await this.#world.list(bindingResource), at)
    if (!binding) return
    const finalizers = textsOf(metaOf(binding)['finalizers'])
    const without = (name: string): Json => ({
      metadata: { finalizers: finalizers.filter((one) => one !== name) },
    })
    switch (how) {
      case 'status':
        return this.#patch(
          bindingResource,
          binding,
          { status: { conditions: null, trustDomain: 'x' } },
          'status',
        )
      case 'finalizer':
        // Without the finalizer a binding that is being deleted goes before its output, as whoever takes it off wants.
        return 'deletionTimestamp' in metaOf(binding)
          ? undefined
          : this.#patch(bindingResource, binding, without(finalizer))
      case 'label':
        return this.#patch(bindingResource, binding, { metadata: { labels: { at: `${at}` } } })
      case 'hold':
        return 'deletionTimestamp' in metaOf(binding)
          ? undefined
          : this.#patch(bindingResource, binding, { metadata: { finalizers: [...finalizers, hold] } })
      case 'release':
        return this.#patch(bindingResource, binding, without(hold))
    }
  }

  async #rename(at: number, replaces: string | null): Promise<void> {
    const binding = chosen(await this.#world.list(bindingResource), at)
    if (!binding) return
    await this.#patch(bindingResource, binding, {
      metadata: { annotations: { [replacesAnnotation]: replaces } },
    })
  }

  /** Takes the name that a binding's output has, or would have. */
  async #squat(at: number): Promise<void> {
    const inventory = inventoryOfState(await stateOf(this.#world))
    const binding = chosen([...inventory.bindings()], at)
    const plan = binding && !binding.deleting ? planIn(inventory, binding) : undefined
    if (!binding || plan?.kind !== 'render') return
    const name = outputName(binding, plan.identity)
    const there = await this.#world.find(clusterSpiffeIdResource, { name })
    if (there) await this.#delete(clusterSpiffeIdResource, there)
    await this.#put(clusterSpiffeId(name))
  }

  async #evict(at: number): Promise<void> {
    const outputs = await this.#world.list(clusterSpiffeIdResource)
    const foreign = chosen(
      outputs.filter((output) => !isOurs(output)),
      at,
    )
    if (foreign) await this.#delete(clusterSpiffeIdResource, foreign)
  }
}

const isOurs = (output: Json): boolean => ownerAnnotation in recordOf(metaOf(output)['annotations'])
