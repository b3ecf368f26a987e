import type { BindingKey } from '../core/binding.ts'
import { decodeOutput, type Output } from '../core/clusterspiffeid.ts'
import { outputNamedIn } from '../core/conditions.ts'
import type { Inventory } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Journal } from './journal.ts'
import type { RemovedOutputs } from './removed-outputs.ts'
import { retryOf, type RunResult } from './run-result.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'

type OwnOutputsOptions = {
  readonly inventory: Inventory
  readonly objects: Pick<Objects, 'get'>
  readonly journal: Journal
  /** Outputs that this process wrote and the inventory may not have yet. */
  readonly unshown: UnshownOutputs
  /** Outputs that this process deleted. */
  readonly removed: RemovedOutputs
}

/** The outputs of a binding, or the result of a run that could not find them out. */
type Own =
  | { readonly kind: 'known'; readonly outputs: readonly Output[] }
  | { readonly kind: 'unfinished'; readonly result: RunResult }

/** Finds the outputs that a binding has now, also those that the watch has not shown yet. */
export class OwnOutputs {
  readonly #options: OwnOutputsOptions

  constructor(options: OwnOutputsOptions) {
    this.#options = options
  }

  /** Whether a binding may have an output. Asks nobody. */
  mayExist(key: BindingKey, status: JsonObject | undefined): boolean {
    const { inventory, unshown } = this.#options
    return (
      unshown.of(key) !== undefined ||
      inventory.outputsOf(key).length > 0 ||
      this.#unseen(key, status) !== undefined
    )
  }

  /**
   * The binding's outputs as the watch shows them, and then those that were written and the watch has not shown yet.
   *
   * @param status the binding's; undefined if the binding is gone
   */
  async of(key: BindingKey, status: JsonObject | undefined): Promise<Own> {
    const { inventory } = this.#options
    const unshown = await this.#lookUpUnshown(key)
    if (unshown.kind === 'unfinished') return unshown
    const named = await this.#lookUpNamed(key, status, unshown.outputs)
    if (named.kind === 'unfinished') return named
    return { kind: 'known', outputs: [...inventory.outputsOf(key), ...unshown.outputs, ...named.outputs] }
  }

  /**
   * The output that a status names and neither the watch nor this process knows of. Either it is gone, or another replica, which
   * led until a moment ago, wrote it and the watch lies behind.
   */
  #unseen(key: BindingKey, status: JsonObject | undefined): Pick<Output, 'name' | 'uid'> | undefined {
    const { inventory, removed, unshown } = this.#options
    const named = status && outputNamedIn(status)
    if (!named || !inventory.isServed(clusterSpiffeIdResource)) return undefined
    const { name, uid } = named
    const isKnown =
      inventory.output(name)?.uid === uid || removed.has(key, uid) || unshown.of(key)?.uid === uid
    return isKnown ? undefined : named
  }

  /** @param found outputs that were read just now */
  async #lookUpNamed(
    key: BindingKey,
    status: JsonObject | undefined,
    found: readonly Output[],
  ): Promise<Own> {
    const { inventory, objects, unshown } = this.#options
    const name = this.#unseen(key, status)?.name
    if (name === undefined || found.some((one) => one.name === name)) return nothing
    const reply = await objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind === 'absent') return nothing
    if (reply.kind !== 'done') return unread(name, reply)
    const output = decodeOutput(reply.object)
    if (output.owner !== key || output.uid === inventory.output(name)?.uid) return nothing
    if (found.length === 0) unshown.note(key, output)
    return { kind: 'known', outputs: [output] }
  }

  async #lookUpUnshown(key: BindingKey): Promise<Own> {
    const { inventory, objects, journal, unshown } = this.#options
    const noted = unshown.of(key)
    if (!noted) return nothing
    const { name, uid } = noted
    // The object that the watch shows under this name may be the predecessor of the one that was written.
    const shown = inventory.output(name)?.uid
    if (shown === uid || !inventory.isServed(clusterSpiffeIdResource)) {
      unshown.forget(key)
      return nothing
    }
    const reply = await objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind !== 'done' && reply.kind !== 'absent') return unread(name, reply)
    const output = reply.kind === 'done' ? decodeOutput(reply.object) : undefined
    if (output?.owner === key && uid === '') {
      const { spiffeIDTemplate: spiffeId } = output.spec
      journal({ action: 'created', binding: key, name, spiffeId, why: 'the answer to that was lost' })
      unshown.note(key, output)
    }
    if (output?.owner === key && output.uid !== shown) return { kind: 'known', outputs: [output] }
    unshown.forget(key)
    return nothing
  }
}

const nothing: Own = { kind: 'known', outputs: [] }

const unread = (name: string, reply: Parameters<typeof retryOf>[1]): Own => ({
  kind: 'unfinished',
  result: retryOf(`reading ClusterSPIFFEID ${name}`, reply),
})
