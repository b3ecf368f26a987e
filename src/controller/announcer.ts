import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import type { KubernetesEvent } from '../core/event.ts'
import type { Objects } from '../core/objects.ts'
import { eventResource } from '../core/resources.ts'
import { eventOf, type News } from './events.ts'
import { retryOf, type RunResult } from './run-result.ts'

type AnnouncerOptions = {
  readonly objects: Pick<Objects, 'create'>
  readonly now: () => Date
  /** The pod's name; the Events that this process posts carry it as their `reportingInstance`. */
  readonly instance: string
  readonly warn: (fields: object, message: string) => void
}

/** How many posted Events are remembered for each binding. A binding has far fewer occasions for one at any time. */
const remembered = 50

/** Posts Events. If the API server refuses an Event, the refusal is logged and the caller goes on. */
export class Announcer {
  readonly #options: AnnouncerOptions
  /** Names of the Events that this process has posted, by binding: none of them is posted again. */
  readonly #posted = new Map<BindingKey, Set<string>>()

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  forget(key: BindingKey): void {
    this.#posted.delete(key)
  }

  /**
   * Returns undefined once all are posted. An Event that exists already was posted by an earlier attempt that failed
   * later on.
   */
  async post(binding: Binding, news: readonly News[]): Promise<RunResult | undefined> {
    for (const event of news.map((one) => eventOf(binding, one, this.#by()))) {
      const failed = await this.#create(event)
      if (failed) return failed
    }
    return undefined
  }

  /**
   * As `post`, but sends each Event only once: for news that stays true while the binding is reconciled again and
   * again.
   */
  async postOnce(binding: Binding, news: readonly News[]): Promise<RunResult | undefined> {
    const key = bindingKey(binding.namespace, binding.name)
    const posted = this.#posted.get(key) ?? new Set()
    for (const event of news.map((one) => eventOf(binding, one, this.#by()))) {
      const { name } = event.metadata
      if (posted.has(name)) continue
      const failed = await this.#create(event)
      if (failed) return failed
      this.#posted.set(key, posted.add(name))
      if (posted.size > remembered) posted.delete([...posted][0] ?? '')
    }
    return undefined
  }

  #by(): { readonly now: Date; readonly instance: string } {
    return { now: this.#options.now(), instance: this.#options.instance }
  }

  async #create(event: KubernetesEvent): Promise<RunResult | undefined> {
    const reply = await this.#options.objects.create(eventResource, event)
    if (reply.kind === 'failed') return retryOf('posting an event', reply)
    if (reply.kind === 'refused')
      this.#options.warn({ event, refusal: reply.message }, 'an event was refused')
    return undefined
  }
}
