import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import type { Objects } from '../core/objects.ts'
import { eventOf, eventResource, type News } from './events.ts'
import { retryOf, type Result } from './outcome.ts'

type AnnouncerOptions = {
  readonly objects: Pick<Objects, 'create'>
  readonly now: () => Date
  /** Who reports events: the pod's name. */
  readonly instance: string
  readonly warn: (fields: object, message: string) => void
}

/** How many events of one binding are remembered: more than there are occasions at one time. */
const remembered = 50

/** Posts events. That one is refused keeps nobody from going on: it is logged. */
export class Announcer {
  readonly #options: AnnouncerOptions
  /** The events of each binding that need not be posted again by this process. */
  readonly #posted = new Map<BindingKey, Set<string>>()

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  forget(key: BindingKey): void {
    this.#posted.delete(key)
  }

  /** Undefined once they are posted. An event that is there already was posted by an attempt that got no further. */
  async post(binding: Binding, news: readonly News[]): Promise<Result | undefined> {
    for (const event of news.map((one) => eventOf(binding, one, this.#by()))) {
      const failed = await this.#create(event)
      if (failed) return failed
    }
    return undefined
  }

  /** As `post`, but asks the API server once: for what stays as it is while the binding is looked at again and again. */
  async postOnce(binding: Binding, news: readonly News[]): Promise<Result | undefined> {
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

  async #create(event: ReturnType<typeof eventOf>): Promise<Result | undefined> {
    const reply = await this.#options.objects.create(eventResource, event)
    if (reply.kind === 'failed') return retryOf('posting an event', reply)
    if (reply.kind === 'refused')
      this.#options.warn({ event, refusal: reply.message }, 'an event was refused')
    return undefined
  }
}
