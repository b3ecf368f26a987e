import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import {
  conditionIn,
  readyIn,
  retryingStatus,
  statusOf,
  summaryOf,
  type Failure,
  type Outcome,
} from '../core/conditions.ts'
import { rules } from '../core/findings.ts'
import type { Settings } from '../core/identity.ts'
import { canonical, field, objectOr, sameJson, type JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'
import { changeOfIdentity, isCurrent } from '../core/stored-status.ts'
import type { Announcer } from './announcer.ts'
import { transitionNews } from './events.ts'
import { retryOf, type RunResult } from './run-result.ts'

type StatusesOptions = {
  readonly objects: Pick<Objects, 'replaceStatus' | 'get'>
  readonly announcer: Announcer
  /** Identifies the schema that the API server stores bindings by; another value means another schema. */
  readonly schema: () => string | undefined
  readonly now: () => Date
  /** Called for every outcome that was written. */
  readonly observe: (binding: Binding, outcome: Outcome) => void
  readonly info: (fields: object, message: string) => void
}

/**
 * Writes outcomes: Events for those that are news, then the status. Each outcome is written once, even if others
 * write the binding meanwhile.
 */
export class Statuses {
  readonly #options: StatusesOptions
  /** For each binding, the resourceVersion that our last write replaced. */
  readonly #replaced = new Map<BindingKey, string>()
  /**
   * Transitions whose Events are posted and whose status is not written yet, with the resourceVersion that names
   * their Events.
   */
  readonly #announced = new Map<BindingKey, { readonly transition: string; readonly version: string }>()

  /** When the words of a refusal were written into the status of a binding, in ms since 1970. */
  readonly #refusedAt = new Map<BindingKey, number>()

  /** Status fields that this schema does not keep. A status without them counts as equal. */
  #pruned: { readonly schema: string | undefined; readonly fields: readonly string[] } = {
    schema: undefined,
    fields: [],
  }

  constructor(options: StatusesOptions) {
    this.#options = options
  }

  /** Whether the cache still shows a binding as it was before our last write. */
  isBehind(key: BindingKey, { resourceVersion }: Binding): boolean {
    if (this.#replaced.get(key) === resourceVersion) return true
    this.#replaced.delete(key)
    return false
  }

  /** Whether another schema may store more of a status. */
  get arePruned(): boolean {
    return this.#pruned.fields.length > 0
  }

  forget(key: BindingKey): void {
    this.#replaced.delete(key)
    this.#announced.delete(key)
    this.#refusedAt.delete(key)
  }

  /**
   * Returns undefined once the status says the outcome, or the binding is gone.
   *
   * @param settings the settings that the binding was rendered with
   */
  async record(binding: Binding, reached: Outcome, settings: Settings): Promise<RunResult | undefined> {
    const { now, observe, info } = this.#options
    const { generation, status: previous } = binding
    const outcome = this.#inEarlierWords(binding, reached)
    const status = this.#storable(statusOf(outcome, { settings, generation, previous, now: now() }))
    if (sameJson(status, previous)) return undefined
    const unposted = await this.#announce(binding, outcome)
    if (unposted) return unposted
    const written = await this.#write(binding, status)
    if (written !== 'written') return written
    if (isRefusal(outcome)) this.#refusedAt.set(keyOf(binding), now().getTime())
    observe(binding, outcome)
    const change = changeOfIdentity(previous, outcome)
    if (change) info({ binding: keyOf(binding), ...change }, 'the identity of a binding changed')
    return undefined
  }

  /** Writes into the status why the first outcome of a binding, or of its last edit, is not known yet. */
  async recordRetrying(binding: Binding, words: string): Promise<RunResult | undefined> {
    const { generation, status: previous } = binding
    if (isCurrent(previous, generation)) return undefined
    const status = this.#storable(retryingStatus(previous, words, this.#options.now()))
    if (sameJson(status, previous)) return undefined
    const written = await this.#write(binding, status)
    return written === 'written' ? undefined : written
  }

  /** Returns undefined if the binding is gone. */
  async #write(binding: Binding, status: JsonObject): Promise<'written' | RunResult | undefined> {
    const { namespace, name, uid, resourceVersion } = binding
    const reply = await this.#options.objects.replaceStatus(bindingResource, {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      metadata: { namespace, name, uid, resourceVersion },
      status,
    })
    if (reply.kind === 'absent') return this.#whyAbsent(binding)
    if (reply.kind !== 'done') return retryOf('writing the status', reply)
    this.#learn(status, objectOr(reply.object['status']))
    const key = keyOf(binding)
    this.#announced.delete(key)
    const version = field(objectOr(reply.object['metadata']), 'resourceVersion')
    if (version !== resourceVersion) this.#replaced.set(key, resourceVersion)
    return 'written'
  }

  /**
   * A 404 on /status means that the binding is gone, or that its kind has no status subresource; a GET of the binding tells
   * which.
   */
  async #whyAbsent({ namespace, name, uid }: Binding): Promise<RunResult | undefined> {
    const reply = await this.#options.objects.get(bindingResource, { namespace, name })
    if (reply.kind === 'absent') return undefined
    if (reply.kind !== 'done') return retryOf('reading the binding', reply)
    if (field(objectOr(reply.object['metadata']), 'uid') !== uid) return undefined
    return { kind: 'retry', why: withoutStatuses, cause: withoutStatuses }
  }

  /**
   * A refusal keeps its words for a while: some API servers and webhooks word the same refusal in another way each time, and
   * each status that is written has the binding run again at once.
   */
  #inEarlierWords(binding: Binding, outcome: Outcome): Outcome {
    if (!isRefusal(outcome)) return outcome
    const refusedAt = this.#refusedAt.get(keyOf(binding)) ?? -Infinity
    if (this.#options.now().getTime() - refusedAt >= keepsWordsMs) return outcome
    const ready = readyIn(binding.status)
    const isSame =
      ready?.reason === rules[outcome.rule].reason &&
      isCurrent(binding.status, binding.generation) &&
      (conditionIn(binding.status, 'Stalled') !== undefined) === (outcome.stalls === true)
    return isSame ? { ...outcome, message: ready.message } : outcome
  }

  #storable(status: JsonObject): JsonObject {
    const { schema, fields } = this.#pruned
    if (fields.length === 0 || schema !== this.#options.schema()) return status
    return Object.fromEntries(Object.entries(status).filter(([name]) => !fields.includes(name)))
  }

  /**
   * Notes which status fields were pruned: a CustomResourceDefinition of the former operator, or an older one of ours,
   * knows fewer.
   */
  #learn(sent: JsonObject, stored: JsonObject): void {
    const missing = Object.keys(sent).filter((name) => !Object.hasOwn(stored, name))
    if (missing.length === 0 || !Object.hasOwn(stored, 'conditions')) return
    const schema = this.#options.schema()
    const known = schema === this.#pruned.schema ? this.#pruned.fields : []
    this.#pruned = { schema, fields: [...new Set([...known, ...missing])] }
  }

  async #announce(binding: Binding, outcome: Outcome): Promise<RunResult | undefined> {
    const key = keyOf(binding)
    const after = outcome.kind === 'ready' ? outcome.identity : undefined
    const transition = canonical([binding.status, summaryOf(outcome), after?.spiffeId, after?.selectors])
    const earlier = this.#announced.get(key)
    const version = earlier?.transition === transition ? earlier.version : binding.resourceVersion
    this.#announced.set(key, { transition, version })
    return this.#options.announcer.post(binding, transitionNews(binding, outcome, version))
  }
}

/** As long as retries are apart at most. */
const keepsWordsMs = 60_000

const isRefusal = (outcome: Outcome): outcome is Failure =>
  outcome.kind === 'failed' && outcome.rule === 'managedOutputApplyFailed'

const withoutStatuses =
  'writing the status: the InferenceIdentityBinding CustomResourceDefinition has no status subresource; install the one of this operator'

const keyOf = ({ namespace, name }: Binding): BindingKey => bindingKey(namespace, name)
