import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import { isSameStatus, statusOf, summaryOf, type Outcome } from '../core/conditions.ts'
import type { Settings } from '../core/identity.ts'
import { canonical, field, objectOr, type JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'
import { eventResource, eventsOf } from './events.ts'
import { retryOf, type Result } from './outcome.ts'

type StatusesOptions = {
  readonly settings: Settings
  readonly objects: Pick<Objects, 'create' | 'replaceStatus'>
  /** Which schema bindings are stored by. */
  readonly schema: () => string | undefined
  readonly now: () => Date
  /** Who reports events: the pod's name. */
  readonly instance: string
  /** Told of every outcome that was written. */
  readonly observe: (binding: Binding, outcome: Outcome) => void
  readonly warn: (fields: object, message: string) => void
}

/** Says outcomes: in events where they are news, then in the status. Each once, whoever else writes meanwhile. */
export class Statuses {
  readonly #options: StatusesOptions
  /** The resourceVersion that our last write of a binding replaced. */
  readonly #replaced = new Map<BindingKey, string>()
  /** Transitions whose status is not written yet, and the version of the binding by which their events are named. */
  readonly #announced = new Map<BindingKey, { readonly transition: string; readonly version: string }>()

  /** Fields that the API server did not store, by this schema: missing them is no difference. */
  #pruned: { readonly schema: string | undefined; readonly fields: readonly string[] } = {
    schema: undefined,
    fields: [],
  }

  constructor(options: StatusesOptions) {
    this.#options = options
  }

  /** Whether the cache still shows a binding as it was before our last write of it: what it says is old news. */
  isBehind(key: BindingKey, { resourceVersion }: Binding): boolean {
    if (this.#replaced.get(key) === resourceVersion) return true
    this.#replaced.delete(key)
    return false
  }

  forget(key: BindingKey): void {
    this.#replaced.delete(key)
    this.#announced.delete(key)
  }

  /** Undefined once the status says the outcome, or there is no binding any more to say it of. */
  async record(binding: Binding, outcome: Outcome): Promise<Result | undefined> {
    const { settings, objects, now, observe } = this.#options
    const { namespace, name, uid, resourceVersion, generation, status: previous } = binding
    const status = this.#storable(statusOf(outcome, { settings, generation, previous, now: now() }))
    if (isSameStatus(status, previous)) return undefined
    const unsaid = await this.#announce(binding, outcome)
    if (unsaid) return unsaid
    const reply = await objects.replaceStatus(bindingResource, {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      metadata: { namespace, name, uid, resourceVersion },
      status,
    })
    if (reply.kind === 'absent') return undefined
    if (reply.kind !== 'done') return retryOf('writing the status', reply)
    this.#learn(status, objectOr(reply.object['status']))
    const key = bindingKey(namespace, name)
    this.#announced.delete(key)
    const version = field(objectOr(reply.object['metadata']), 'resourceVersion')
    if (version !== resourceVersion) this.#replaced.set(key, resourceVersion)
    observe(binding, outcome)
    return undefined
  }

  #storable(status: JsonObject): JsonObject {
    const { schema, fields } = this.#pruned
    if (fields.length === 0 || schema !== this.#options.schema()) return status
    return Object.fromEntries(Object.entries(status).filter(([name]) => !fields.includes(name)))
  }

  /** A CustomResourceDefinition of the reference operator, or an older one of ours, may know fewer fields. */
  #learn(sent: JsonObject, stored: JsonObject): void {
    const missing = Object.keys(sent).filter((name) => !Object.hasOwn(stored, name))
    if (missing.length === 0 || !Object.hasOwn(stored, 'conditions')) return
    const schema = this.#options.schema()
    const known = schema === this.#pruned.schema ? this.#pruned.fields : []
    this.#pruned = { schema, fields: [...known, ...missing] }
  }

  /** An event that is there already was posted by an attempt that got no further. */
  async #announce(binding: Binding, outcome: Outcome): Promise<Result | undefined> {
    const { objects, now, instance, warn } = this.#options
    const key = bindingKey(binding.namespace, binding.name)
    const transition = canonical([binding.status, summaryOf(outcome)])
    const earlier = this.#announced.get(key)
    const version = earlier?.transition === transition ? earlier.version : binding.resourceVersion
    this.#announced.set(key, { transition, version })
    for (const event of eventsOf(binding, outcome, { now: now(), instance, version })) {
      const reply = await objects.create(eventResource, event)
      if (reply.kind === 'failed') return retryOf('posting an event', reply)
      if (reply.kind === 'refused') warn({ event, refusal: reply.message }, 'an event was refused')
    }
    return undefined
  }
}
