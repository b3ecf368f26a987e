import type { JsonObject } from '../../../src/core/json.ts'
import type { Reply } from '../../../src/core/objects.ts'
import {
  leaseResource,
  bindingResource,
  clusterSpiffeIdResource,
  type Resource,
} from '../../../src/core/resources.ts'
import type { AdmissionRequest, AdmissionResponse } from '../../../src/webhook/admission-review.ts'
import { Reservations } from '../../../src/webhook/reservations.ts'
import { validating } from '../../../src/webhook/review.ts'
import { withoutPods } from '../../../src/webhook/workloads.ts'
import { inventoryOf, objective, pool } from '../../support/builders.ts'
import { resourceOf } from '../../support/vectors.ts'
import { metaText, objectsOver, type MemoryEvent, type MemoryObjects } from '../memory-objects.ts'

/** Objects that never change and are read at once: only the order of events of claims and bindings matters here. */
export const surroundings = [pool(), objective()]

/** A call of a replica to the API server. The explorer decides when it takes effect, and whether its answer arrives. */
export type Call = {
  readonly replica: string
  readonly label: string
  readonly effect: () => Reply
  readonly answer: (reply: Reply) => void
}

type Surroundings = {
  readonly memory: MemoryObjects
  readonly now: () => number
  readonly graceMs: number
  readonly staleMs: number
  readonly called: (call: Call) => void
}

/**
 * One replica as it runs: the review, the inventory and the reservations are the real ones; what its watches have
 * told it is a prefix of what happened.
 */
export class Replica {
  readonly name: string
  readonly #memory: MemoryObjects
  readonly #inventory = inventoryOf(surroundings, {
    served: [...surroundings.map(resourceOf), clusterSpiffeIdResource],
  })
  readonly #reservations: Reservations
  readonly #review: (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>
  readonly #seen = new Map<Resource, number>()

  constructor(name: string, { memory, now, graceMs, staleMs, called }: Surroundings) {
    this.name = name
    this.#memory = memory
    const objects = objectsOver(
      memory,
      (verb, effect) =>
        new Promise((answer) => called({ replica: name, label: `${name} ${verb}s a claim`, effect, answer })),
    )
    this.#reservations = new Reservations({
      objects,
      namespace: 'system',
      now,
      holders: (collisionKey) => this.#inventory.holders(collisionKey),
      graceMs,
      staleMs,
    })
    const readBinding = (at: { readonly namespace: string; readonly name: string }): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const effect = (): Reply => memory.get(bindingResource, at)
        const answer = (reply: Reply): void => {
          if (reply.kind === 'done') resolve(reply.object)
          else if (reply.kind === 'absent') resolve(undefined)
          else reject(new Error('no answer'))
        }
        called({ replica: name, label: `${name} reads ${at.name}`, effect, answer })
      })
    this.#review = validating({
      world: this.#inventory,
      isLenient: () => Promise.resolve(false),
      notices: () => [],
      read: () => (resource, at) =>
        resource === bindingResource
          ? readBinding(at)
          : Promise.resolve(surroundings.find((manifest) => resourceOf(manifest) === resource)),
      actions: {},
      reserve: (...claim) => this.#reservations.reserve(...claim),
      lookAtPods: withoutPods,
      observe: () => {},
    })
    for (const object of memory.all(bindingResource)) this.#learn('upserted', object)
    for (const lease of memory.all(leaseResource)) this.#reservations.observed(lease)
    for (const resource of [bindingResource, leaseResource])
      this.#seen.set(resource, this.#events(resource).length)
  }

  review(request: AdmissionRequest, signal: AbortSignal): Promise<AdmissionResponse> {
    return this.#review(request, signal)
  }

  collect(): Promise<void> {
    return this.#reservations.collect()
  }

  /** How many events of a kind it has not seen yet. */
  behind(resource: Resource): number {
    return this.#events(resource).length - this.seen(resource)
  }

  get hasDeletionAhead(): boolean {
    return this.#events(bindingResource)
      .slice(this.seen(bindingResource))
      .some(({ kind }) => kind === 'removed')
  }

  /** How many events of a kind it has seen. */
  seen(resource: Resource): number {
    return this.#seen.get(resource) ?? 0
  }

  /** Its watch of a kind brings the next event. */
  see(resource: Resource): void {
    const seen = this.seen(resource)
    const event = this.#events(resource)[seen]
    if (!event) return
    this.#seen.set(resource, seen + 1)
    if (resource === bindingResource) {
      if (event.kind === 'removed') this.#reservations.holderDeleted(metaText(event.object, 'uid'))
      this.#learn(event.kind, event.object)
    } else if (event.kind === 'removed') this.#reservations.forgotten(metaText(event.object, 'name'))
    else this.#reservations.observed(event.object)
  }

  #events(resource: Resource): readonly MemoryEvent[] {
    return this.#memory.events.filter((event) => event.resource === resource)
  }

  #learn(kind: 'upserted' | 'removed', object: JsonObject): void {
    if (kind === 'upserted') this.#inventory.apply({ kind, resource: bindingResource, object })
    else {
      const at = { namespace: metaText(object, 'namespace'), name: metaText(object, 'name') }
      this.#inventory.apply({ kind, resource: bindingResource, ...at })
    }
  }
}
