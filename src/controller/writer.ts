import { bindingKey, type Binding } from '../core/binding.ts'
import { decodeOutput, differencesIn, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects, Reply } from '../core/objects.ts'
import { takenName } from '../core/plan.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import type { Entry, Journal } from './journal.ts'
import { retryOf, wait, type Result } from './outcome.ts'
import { merged, repairNews, repairOf } from './repair.ts'
import { Stored } from './stored.ts'
import type { Unshown } from './unshown.ts'

/** The ClusterSPIFFEID is as it should be; or it is refused for good; or neither can be said yet. */
export type Settlement =
  | { readonly kind: 'inPlace'; readonly output: Output }
  | {
      readonly kind: 'refused'
      readonly why: string
      /** Whether it stays refused for as long as the binding is as it is. */
      readonly stalls: boolean
    }
  | { readonly kind: 'unfinished'; readonly result: Result }

/** What is wanted of whom, and what a creation of it would be. */
export type Order = {
  readonly binding: Binding
  readonly wanted: ClusterSpiffeId
  readonly creation: Pick<Entry, 'action' | 'why'>
}

type WriterOptions = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly announcer: Announcer
  readonly journal: Journal
  /** A creation is noted before it is sent: one whose answer is lost may have taken effect. */
  readonly unshown: Unshown
}

/** Writes ClusterSPIFFEIDs one by one, and no more than differs. */
export class Writer {
  readonly #options: WriterOptions
  readonly #stored: Stored
  readonly unshown: Unshown

  constructor(options: WriterOptions) {
    this.#options = options
    this.unshown = options.unshown
    this.#stored = new Stored(() => options.inventory.schemaOf(clusterSpiffeIdResource))
  }

  /** The names of the outputs of which another schema may store more. */
  pruned(): readonly string[] {
    return [...this.#stored.names()]
  }

  /**
   * Would the API server take it? Only a refusal for good, or no answer at all, is a doubt. That our own object of the
   * name is in its way is what the API server says last, when nothing else is.
   */
  async rehearse({ binding, wanted }: Order): Promise<Settlement | undefined> {
    const { objects } = this.#options
    const { name } = wanted.metadata
    const there = await objects.get(clusterSpiffeIdResource, { name })
    if (there.kind === 'done' && decodeOutput(there.object).owner !== keyOf(binding)) return taken(name)
    const reply = await objects.create(clusterSpiffeIdResource, wanted, { dryRun: true })
    if (reply.kind === 'conflict' && there.kind === 'done') return undefined
    switch (reply.kind) {
      case 'done':
        return undefined
      case 'refused':
        return refusedBy(reply)
      case 'conflict':
      case 'absent':
      case 'failed':
        return unfinished(retryOf(`rehearsing ClusterSPIFFEID ${name}`, reply))
    }
  }

  /** @param gone objects that the cache may still show */
  async put(order: Order, gone: readonly Pick<Output, 'uid'>[]): Promise<Settlement> {
    const { inventory, objects } = this.#options
    const { binding, wanted, creation } = order
    const { name } = wanted.metadata
    const key = keyOf(binding)
    const cached = inventory.output(name)
    const known = gone.some(({ uid }) => uid === cached?.uid) ? undefined : cached
    if (known?.owner === key && !known.deleting && this.#differences(known, wanted).length === 0)
      return { kind: 'inPlace', output: known }
    if (!known) {
      // What is there already, unseen, still counts as it is until a write has changed it.
      if (!this.unshown.of(key)) this.unshown.note(key, decodeOutput(wanted))
      const reply = await objects.create(clusterSpiffeIdResource, wanted)
      if (reply.kind !== 'conflict') return this.#noted(order, reply, creation)
    }
    return this.#repair(order)
  }

  /** Undefined once each of them is gone: a deletion timestamp is not enough, SPIRE still serves it. */
  async removeAll(outputs: readonly Output[], why: string): Promise<Result | undefined> {
    const { objects, journal } = this.#options
    for (const { name, uid, resourceVersion, owner, deleting, spec } of outputs) {
      const doing = `deleting ClusterSPIFFEID ${name}`
      const removed = deleting
        ? undefined
        : await objects.remove(clusterSpiffeIdResource, { name }, { uid, resourceVersion })
      if (removed?.kind === 'refused' || removed?.kind === 'failed') return retryOf(doing, removed)
      if (removed?.kind === 'done')
        journal({ action: 'deleted', binding: owner, name, spiffeId: spec['spiffeIDTemplate'], why })
      const still = await objects.get(clusterSpiffeIdResource, { name })
      if (still.kind !== 'done' && still.kind !== 'absent') return retryOf(doing, still)
      if (still.kind === 'done' && decodeOutput(still.object).uid === uid)
        return removed?.kind === 'conflict'
          ? retryOf(doing, removed)
          : wait(`ClusterSPIFFEID ${name} waits for its finalizers`, finalizersMs)
      if (still.kind === 'absent') this.#stored.forget(name)
      if (owner !== undefined && this.unshown.of(owner)?.uid === uid) this.unshown.forget(owner)
    }
    return undefined
  }

  #differences(output: Output, wanted: ClusterSpiffeId): readonly string[] {
    return differencesIn(output, wanted, this.#stored.of(wanted))
  }

  /** Looks at the object itself before it is replaced: what the cache has of it leaves fields out. */
  async #repair(order: Order): Promise<Settlement> {
    const { objects, announcer } = this.#options
    const { binding, wanted } = order
    const key = keyOf(binding)
    const { name } = wanted.metadata
    const reply = await objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind !== 'done') return unfinished(retryOf(`reading ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    if (output.owner !== key) {
      this.unshown.forget(key)
      return taken(name)
    }
    if (output.deleting) return unfinished(wait(`ClusterSPIFFEID ${name} is being deleted`))
    const fields = this.#differences(output, wanted)
    if (fields.length === 0) {
      this.unshown.note(key, output)
      return { kind: 'inPlace', output }
    }
    const repair = repairOf(binding, wanted, reply.object, fields)
    // Said before it is done: afterwards nobody could tell any more what there was.
    const unsaid =
      repair.action === 'repaired'
        ? await announcer.postOnce(binding, [repairNews(output, repair)])
        : undefined
    if (unsaid) return unfinished(unsaid)
    return this.#noted(
      order,
      await objects.replace(clusterSpiffeIdResource, merged(reply.object, wanted)),
      repair,
    )
  }

  #noted(
    { binding, wanted }: Order,
    reply: Reply,
    done: Omit<Entry, 'binding' | 'name' | 'spiffeId'>,
  ): Settlement {
    const { name } = wanted.metadata
    const key = keyOf(binding)
    if (reply.kind === 'refused') {
      this.unshown.forget(key)
      return refusedBy(reply)
    }
    if (reply.kind !== 'done') return unfinished(retryOf(`writing ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    this.unshown.note(key, output)
    this.#stored.note(wanted, output)
    this.#options.journal({ ...done, binding: key, name, spiffeId: wanted.spec['spiffeIDTemplate'] })
    return { kind: 'inPlace', output }
  }
}

/** The watch tells when an object is gone; this is for what it misses. */
const finalizersMs = 5000

const keyOf = ({ namespace, name }: Binding) => bindingKey(namespace, name)

const unfinished = (result: Result): Settlement => ({ kind: 'unfinished', result })

const taken = (name: string): Settlement => ({ kind: 'refused', why: takenName(name), stalls: true })

/** A 422 is about the object as it is rendered; any other refusal, somebody's rights or policies, may end by itself. */
const refusedBy = ({ code, message }: Extract<Reply, { kind: 'refused' }>): Settlement => ({
  kind: 'refused',
  why: message,
  stalls: code === 422,
})
