import type { BindingKey } from '../core/binding.ts'
import { decodeOutput, type Output } from '../core/clusterspiffeid.ts'
import type { Objects, Reply } from '../core/objects.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Journal } from './journal.ts'
import type { Leftover } from './placement.ts'
import type { PrunedSpecs } from './pruned-specs.ts'
import { RemovedOutputs } from './removed-outputs.ts'
import { retryOf, wait } from './run-result.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'

type RemoverOptions = {
  readonly objects: Pick<Objects, 'get' | 'remove'>
  readonly journal: Journal
  readonly unshown: UnshownOutputs
  readonly prunedSpecs: PrunedSpecs
}

/** Deletes ClusterSPIFFEIDs, and makes sure that they are gone. */
export class Remover {
  readonly #options: RemoverOptions
  readonly removed = new RemovedOutputs()

  constructor(options: RemoverOptions) {
    this.#options = options
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
    const { objects, journal, unshown, prunedSpecs } = this.#options
    const doing = `deleting ClusterSPIFFEID ${name}`
    const entry = {
      action: 'deleted',
      binding: owner,
      name,
      spiffeId: spec['spiffeIDTemplate'],
      why,
    } as const
    if (owner !== undefined && !deleting) this.removed.note(owner, uid)
    const removed = deleting
      ? undefined
      : await objects.remove(clusterSpiffeIdResource, { name }, { uid, resourceVersion })
    if (removed?.kind === 'failed' && owner !== undefined && mayHaveTakenEffect(removed))
      this.removed.awaitAnswer(owner, uid, entry)
    if (removed?.kind === 'refused' || removed?.kind === 'failed')
      return { result: retryOf(doing, removed), isAnswered: removed.kind === 'refused' }
    if (removed?.kind === 'done') {
      if (owner !== undefined) this.removed.answered(owner, uid)
      journal(entry)
    }
    const still = await objects.get(clusterSpiffeIdResource, { name })
    if (still.kind !== 'done' && still.kind !== 'absent')
      return { result: retryOf(doing, still), isAnswered: false }
    if (still.kind === 'done' && decodeOutput(still.object).uid === uid) {
      if (removed?.kind === 'conflict') return { result: retryOf(doing, removed), isAnswered: false }
      const waits = `ClusterSPIFFEID ${name} waits for its finalizers`
      return { result: wait(waits, finalizersMs), isAnswered: true }
    }
    if (still.kind === 'absent') prunedSpecs.forget(name)
    if (owner === undefined) return undefined
    if (unshown.of(owner)?.uid === uid) unshown.forget(owner)
    return undefined
  }

  /**
   * Tells of deletions that took effect though their answers were lost.
   *
   * @param left the outputs that the binding has
   */
  tellUnanswered(key: BindingKey, left: readonly Output[]): void {
    for (const entry of this.removed.takeUnanswered(key, left)) this.#options.journal(entry)
  }
}

/** How long to wait for finalizers of others if the watch misses the object's deletion. */
const finalizersMs = 5000

/** A deletion without an answer may have taken effect, and so may one that the API server failed at. */
const mayHaveTakenEffect = ({ code }: Extract<Reply, { kind: 'failed' }>): boolean =>
  code === undefined || code >= 500
