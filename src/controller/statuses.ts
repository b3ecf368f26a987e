import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import { isSameStatus, retryingStatus, statusOf, summaryOf, type Outcome } from '../core/conditions.ts'
import { changeOfIdentity, isCurrent } from '../core/said.ts'
import type { Settings } from '../core/identity.ts'
import { canonical, field, objectOr, type JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import { transitionNews } from './events.ts'
import { retryOf, type Result } from './outcome.ts'

type StatusesOptions = {
  readonly objects: Pick<Objects, 'replaceStatus'>
  readonly announcer: Announcer
  /** Which schema bindings are stored by. */
  readonly schema: () => string | undefined
  readonly now: () => Date
  /** Told of every outcome that was written. */
  readonly observe: (binding: Binding, outcome: Outcome) => void
  readonly info: (fields: object, message: string) => void
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

  /**
   * Undefined once the status says the outcome, or there is no binding any more to say it of.
   *
   * @param settings those by which the binding was rendered
   */
  async record(binding: Binding, outcome: Outcome, settings: Settings): Promise<Result | undefined> {
    const { now, observe, info } = this.#options
    const { generation, status: previous } = binding
    const status = this.#storable(statusOf(outcome, { settings, generation, previous, now: now() }))
    if (isSameStatus(status, previous)) return undefined
    const unsaid = await this.#announce(binding, outcome)
    if (unsaid) return unsaid
    const written = await this.#write(binding, status)
    if (written !== 'written') return written
    observe(binding, outcome)
    const change = changeOfIdentity(previous, outcome)
    if (change) info({ binding: keyOf(binding), ...change }, 'the identity of a binding changed')
    return undefined
  }

  /** Says why the first outcome of a binding, or that of its last edit, can't be told yet. */
  async recordRetrying(binding: Binding, words: string): Promise<Result | undefined> {
    const { generation, status: previous } = binding
    if (isCurrent(previous, generation)) return undefined
    const status = this.#storable(retryingStatus(previous, words, this.#options.now()))
    if (isSameStatus(status, previous)) return undefined
    const written = await this.#write(binding, status)
    return written === 'written' ? undefined : written
  }

  /** Undefined where there is nothing left to write to. */
  async #write(binding: Binding, status: JsonObject): Promise<'written' | Result | undefined> {
    const { namespace, name, uid, resourceVersion } = binding
    const reply = await this.#options.objects.replaceStatus(bindingResource, {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      metadata: { namespace, name, uid, resourceVersion },
      status,
    })
    if (reply.kind === 'absent') return undefined
    if (reply.kind !== 'done') return retryOf('writing the status', reply)
    this.#learn(status, objectOr(reply.object['status']))
    const key = keyOf(binding)
    this.#announced.delete(key)
    const version = field(objectOr(reply.object['metadata']), 'resourceVersion')
    if (version !== resourceVersion) this.#replaced.set(key, resourceVersion)
    return 'written'
  }

  #storable(status: JsonObject): JsonObject {
    const { schema, fields } = this.#pruned
    if (fields.length === 0 || schema !== this.#options.schema()) return status
    return Object.fromEntries(Object.entries(status).filter(([name]) => !fields.includes(name)))
  }

  /** A CustomResourceDefinition of the former operator, or an older one of ours, may know fewer fields. */
  #learn(sent: JsonObject, stored: JsonObject): void {
    const missing = Object.keys(sent).filter((name) => !Object.hasOwn(stored, name))
    if (missing.length === 0 || !Object.hasOwn(stored, 'conditions')) return
    const schema = this.#options.schema()
    const known = schema === this.#pruned.schema ? this.#pruned.fields : []
    this.#pruned = { schema, fields: [...new Set([...known, ...missing])] }
  }

  async #announce(binding: Binding, outcome: Outcome): Promise<Result | undefined> {
    const key = keyOf(binding)
    const after = outcome.kind === 'ready' ? outcome.identity : undefined
    const transition = canonical([binding.status, summaryOf(outcome), after?.spiffeId, after?.selectors])
    const earlier = this.#announced.get(key)
    const version = earlier?.transition === transition ? earlier.version : binding.resourceVersion
    this.#announced.set(key, { transition, version })
    return this.#options.announcer.post(binding, transitionNews(binding, outcome, version))
  }
}

const keyOf = ({ namespace, name }: Binding): BindingKey => bindingKey(namespace, name)
