import { bindingKey, type Binding } from '../core/binding.ts'
import { decodeOutput, differencesIn, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects, Reply } from '../core/objects.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import { plainCreation, type Journal, type JournalEntry } from './journal.ts'
import type { Placement, WantedOutput } from './placement.ts'
import { refusedBy, taken, unfinished } from './placement.ts'
import type { PrunedSpecs } from './pruned-specs.ts'
import type { RemovedOutputs } from './removed-outputs.ts'
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
  /** The outputs that this process deleted. */
  readonly removed: RemovedOutputs
  readonly prunedSpecs: PrunedSpecs
}

/** Writes ClusterSPIFFEIDs one by one, and only if they differ. */
export class Writer {
  readonly #options: WriterOptions

  constructor(options: WriterOptions) {
    this.#options = options
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

  /**
   * @param own the binding's outputs, those last that the watch has not shown yet
   * @param gone objects that were just deleted and the cache may still show
   */
  async put(
    target: WantedOutput,
    own: readonly Output[],
    gone: readonly Pick<Output, 'uid'>[],
  ): Promise<Placement> {
    const { inventory, objects, announcer } = this.#options
    const { binding, wanted } = target
    const { name } = wanted.metadata
    const key = keyOf(binding)
    const there = own.findLast((one) => one.name === name) ?? inventory.output(name)
    const known = gone.some(({ uid }) => uid === there?.uid) ? undefined : there
    if (known?.owner === key && !known.deleting && this.#differences(known, wanted).length === 0)
      return { kind: 'inPlace', output: known }
    if (!known) {
      const isOurDeletion =
        target.creation.action === 'repaired' && this.#options.removed.isNamedBy(key, binding)
      const creation = isOurDeletion ? plainCreation : target.creation
      // Posted before the creation, as that of a repair is: afterwards a crash would leave no trace of what happened.
      const unposted =
        creation.action === 'repaired'
          ? await announcer.postOnce(binding, [recreationNews(binding, name)])
          : undefined
      if (unposted) return unfinished(unposted)
      // If an unshown output is noted already, that note stays until a write has changed the object.
      if (!this.#options.unshown.of(key)) this.#options.unshown.note(key, decodeOutput(wanted))
      const reply = await objects.create(clusterSpiffeIdResource, wanted)
      if (reply.kind !== 'conflict') return this.#afterWrite(target, reply, creation)
    }
    return this.#repair(target)
  }

  #differences(output: Output, wanted: ClusterSpiffeId): readonly string[] {
    return differencesIn(output, wanted, this.#options.prunedSpecs.of(wanted))
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
      this.#options.unshown.forget(key)
      return taken(output)
    }
    if (output.deleting) return unfinished(wait(`ClusterSPIFFEID ${name} is being deleted`))
    const fields = this.#differences(output, wanted)
    if (fields.length === 0) {
      this.#options.unshown.note(key, output)
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
      this.#options.unshown.forget(key)
      return refusedBy(reply)
    }
    if (reply.kind !== 'done') return unfinished(retryOf(`writing ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    this.#options.unshown.note(key, output)
    this.#options.prunedSpecs.note(wanted, output)
    this.#options.journal({ ...done, binding: key, name, spiffeId: wanted.spec['spiffeIDTemplate'] })
    return { kind: 'inPlace', output }
  }
}

const keyOf = ({ namespace, name }: Binding) => bindingKey(namespace, name)
