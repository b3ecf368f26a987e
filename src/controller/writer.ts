import { bindingKey, type Binding } from '../core/binding.ts'
import { decodeOutput, differencesIn, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects, Reply } from '../core/objects.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import { plainCreation, type Journal, type JournalEntry } from './journal.ts'
import type { Leftover, Placement, WantedOutput } from './placement.ts'
import { refusedBy, taken, unfinished } from './placement.ts'
import { PrunedSpecs } from './pruned-specs.ts'
import { RemovedOutputs } from './removed-outputs.ts'
import { merged, recreationNews, repairNews, repairOf } from './repair.ts'
import { retryOf, wait } from './run-result.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'

type WriterOptions = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly announcer: Announcer
  readonly journal: Journal
  /** A creation is noted here before it is sent, because a creation whose answer is lost may have taken effect. */
  readonly unshown: UnshownOutputs
}

/** Writes ClusterSPIFFEIDs one by one, and only if they differ. */
export class Writer {
  readonly #options: WriterOptions
  readonly #prunedSpecs: PrunedSpecs
  readonly removed = new RemovedOutputs()
  readonly unshown: UnshownOutputs

  constructor(options: WriterOptions) {
    this.#options = options
    this.unshown = options.unshown
    this.#prunedSpecs = new PrunedSpecs(() => options.inventory.schemaOf(clusterSpiffeIdResource))
  }

  /** The names of the outputs that were pruned. */
  pruned(): readonly string[] {
    return [...this.#prunedSpecs.names()]
  }

  /**
   * Asks the API server by a dry run whether it would accept the wanted object. Returns undefined if it would. A
   * conflict with our own object of the same name counts as acceptance: the API server checks for it last.
   */
  async rehearse({ binding, wanted }: WantedOutput): Promise<Placement | undefined> {
    const { objects } = this.#options
    const { name } = wanted.metadata
    const there = await objects.get(clusterSpiffeIdResource, { name })
    const output = there.kind === 'done' ? decodeOutput(there.object) : undefined
    if (output && output.owner !== keyOf(binding)) return taken(output)
    const reply = await objects.create(clusterSpiffeIdResource, wanted, { dryRun: true })
    if (reply.kind === 'conflict' && output) return undefined
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

  /** @param gone objects that were just deleted and the cache may still show */
  async put(target: WantedOutput, gone: readonly Pick<Output, 'uid'>[]): Promise<Placement> {
    const { inventory, objects, announcer } = this.#options
    const { binding, wanted } = target
    const { name } = wanted.metadata
    const key = keyOf(binding)
    const cached = inventory.output(name)
    const known = gone.some(({ uid }) => uid === cached?.uid) ? undefined : cached
    if (known?.owner === key && !known.deleting && this.#differences(known, wanted).length === 0)
      return { kind: 'inPlace', output: known }
    if (!known) {
      const isOurDeletion = target.creation.action === 'repaired' && this.removed.isNamedBy(key, binding)
      const creation = isOurDeletion ? plainCreation : target.creation
      // Posted before the creation, as that of a repair is: afterwards a crash would leave no trace of what happened.
      const unposted =
        creation.action === 'repaired'
          ? await announcer.postOnce(binding, [recreationNews(binding, name)])
          : undefined
      if (unposted) return unfinished(unposted)
      // If an unshown output is noted already, that note stays until a write has changed the object.
      if (!this.unshown.of(key)) this.unshown.note(key, decodeOutput(wanted))
      const reply = await objects.create(clusterSpiffeIdResource, wanted)
      if (reply.kind !== 'conflict') return this.#afterWrite(target, reply, creation)
    }
    return this.#repair(target)
  }

  /**
   * Deletes outputs, each whatever becomes of the others. Returns undefined once all are gone. A deletion timestamp is not enough:
   * SPIRE still serves such an object.
   */
  async removeAll(outputs: readonly Output[], why: string): Promise<Leftover | undefined> {
    const left: Leftover[] = []
    for (const output of outputs) {
      const leftover = await this.#remove(output, why)
      if (leftover) left.push(leftover)
    }
    return left.find(({ isAnswered }) => !isAnswered) ?? left[0]
  }

  async #remove(
    { name, uid, resourceVersion, owner, deleting, spec }: Output,
    why: string,
  ): Promise<Leftover | undefined> {
    const { objects, journal } = this.#options
    const doing = `deleting ClusterSPIFFEID ${name}`
    if (owner !== undefined && !deleting) this.removed.note(owner, uid)
    const removed = deleting
      ? undefined
      : await objects.remove(clusterSpiffeIdResource, { name }, { uid, resourceVersion })
    if (removed?.kind === 'refused' || removed?.kind === 'failed')
      return { result: retryOf(doing, removed), isAnswered: removed.kind === 'refused' }
    if (removed?.kind === 'done')
      journal({ action: 'deleted', binding: owner, name, spiffeId: spec['spiffeIDTemplate'], why })
    const still = await objects.get(clusterSpiffeIdResource, { name })
    if (still.kind !== 'done' && still.kind !== 'absent')
      return { result: retryOf(doing, still), isAnswered: false }
    if (still.kind === 'done' && decodeOutput(still.object).uid === uid) {
      if (removed?.kind === 'conflict') return { result: retryOf(doing, removed), isAnswered: false }
      const waits = `ClusterSPIFFEID ${name} waits for its finalizers`
      return { result: wait(waits, finalizersMs), isAnswered: true }
    }
    if (still.kind === 'absent') this.#prunedSpecs.forget(name)
    if (owner === undefined) return undefined
    if (this.unshown.of(owner)?.uid === uid) this.unshown.forget(owner)
    return undefined
  }

  #differences(output: Output, wanted: ClusterSpiffeId): readonly string[] {
    return differencesIn(output, wanted, this.#prunedSpecs.of(wanted))
  }

  /** Reads the object before replacing it, because the cache keeps only some of its fields. */
  async #repair(target: WantedOutput): Promise<Placement> {
    const { objects, announcer } = this.#options
    const { binding, wanted } = target
    const key = keyOf(binding)
    const { name } = wanted.metadata
    const reply = await objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind !== 'done') return unfinished(retryOf(`reading ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    if (output.owner !== key) {
      this.unshown.forget(key)
      return taken(output)
    }
    if (output.deleting) return unfinished(wait(`ClusterSPIFFEID ${name} is being deleted`))
    const fields = this.#differences(output, wanted)
    if (fields.length === 0) {
      this.unshown.note(key, output)
      return { kind: 'inPlace', output }
    }
    const repair = repairOf(binding, wanted, reply.object, fields)
    // The Event is posted before the repair: after a crash in between nobody could tell any more what had been
    // edited.
    const unposted =
      repair.action === 'repaired'
        ? await announcer.postOnce(binding, [repairNews(output, repair)])
        : undefined
    if (unposted) return unfinished(unposted)
    return this.#afterWrite(
      target,
      await objects.replace(clusterSpiffeIdResource, merged(reply.object, wanted)),
      repair,
    )
  }

  #afterWrite(
    { binding, wanted }: WantedOutput,
    reply: Reply,
    done: Omit<JournalEntry, 'binding' | 'name' | 'spiffeId'>,
  ): Placement {
    const { name } = wanted.metadata
    const key = keyOf(binding)
    if (reply.kind === 'refused') {
      this.unshown.forget(key)
      return refusedBy(reply)
    }
    if (reply.kind !== 'done') return unfinished(retryOf(`writing ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    this.unshown.note(key, output)
    this.#prunedSpecs.note(wanted, output)
    this.#options.journal({ ...done, binding: key, name, spiffeId: wanted.spec['spiffeIDTemplate'] })
    return { kind: 'inPlace', output }
  }
}

/** How long to wait for finalizers of others if the watch misses the object's deletion. */
const finalizersMs = 5000

const keyOf = ({ namespace, name }: Binding) => bindingKey(namespace, name)
