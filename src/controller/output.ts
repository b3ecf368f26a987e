import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import { decodeOutput, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'
import { says } from '../core/conditions.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Objects } from '../core/objects.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import { handover, type Handover } from './handover.ts'
import type { Entry, Journal } from './journal.ts'
import { retryOf, wait, type Result } from './outcome.ts'
import { rivalsOf } from './rivals.ts'
import type { Unshown } from './unshown.ts'
import { Writer, type Settlement } from './writer.ts'

type OutputsOptions = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly announcer: Announcer
  /** Told of every write that took effect. */
  readonly journal: Journal
  /** What was written and may not be in the inventory yet. */
  readonly unshown: Unshown
}

/** A binding's outputs, or why they can't be told. */
type Own =
  | { readonly kind: 'known'; readonly outputs: readonly Output[] }
  | { readonly kind: 'unfinished'; readonly result: Result }

/** Brings the ClusterSPIFFEIDs of bindings to what they should be, with as few writes as that takes. */
export class Outputs {
  readonly #inventory: Inventory
  readonly #objects: Objects
  readonly #journal: Journal
  readonly #writer: Writer

  constructor(options: OutputsOptions) {
    this.#inventory = options.inventory
    this.#objects = options.objects
    this.#journal = options.journal
    this.#writer = new Writer(options)
  }

  /** In the order that `handover` decides. None is given up before a dry run has shown that the wanted one will be taken. */
  async settle(binding: Binding, identity: Identity, wanted: ClusterSpiffeId): Promise<Settlement> {
    const key = bindingKey(binding.namespace, binding.name)
    const own = await this.#own(key)
    if (own.kind === 'unfinished') return own
    const isShown = says(binding.status, identity)
    const rivals = rivalsOf(binding, identity, { inventory: this.#inventory, unshown: this.#writer.unshown })
    const order = handover({ mine: own.outputs, rivals, wanted, isShown })
    const wish = { binding, wanted, creation: creationBy(order, isShown) }
    if (order.before.length > 0) {
      const doubt = await this.#writer.rehearse(wish)
      if (doubt) return doubt
      const why = `${wanted.metadata.name} takes its place with ${identity.spiffeId}`
      const left = await this.#writer.removeAll(order.before, why)
      if (left) return { kind: 'unfinished', result: left }
    }
    const [rival] = order.blocking
    if (rival) {
      const why = `ClusterSPIFFEID ${rival.name} of another binding still serves the same container`
      return { kind: 'unfinished', result: wait(why) }
    }
    const settlement = await this.#writer.put(wish, order.before)
    if (settlement.kind !== 'inPlace') return settlement
    const left = await this.#writer.removeAll(order.after, `${wanted.metadata.name} gives its identity`)
    return left ? { kind: 'unfinished', result: left } : settlement
  }

  /**
   * Deletes all that a binding has.
   *
   * @param keeps outputs that stay nevertheless
   * @returns what stays, once the API server says that nothing else is left
   */
  async withdraw(
    key: BindingKey,
    why: string,
    keeps: (output: Output) => boolean = () => false,
  ): Promise<Own> {
    const own = await this.#own(key)
    if (own.kind === 'unfinished') return own
    const kept = own.outputs.filter(keeps)
    const left = await this.#writer.removeAll(
      own.outputs.filter((output) => !kept.includes(output)),
      why,
    )
    return left ? { kind: 'unfinished', result: left } : { kind: 'known', outputs: kept }
  }

  /** Whether a binding may have something to lose. */
  mayHaveAny(key: BindingKey): boolean {
    return this.#writer.unshown.of(key) !== undefined || this.#inventory.outputsOf(key).length > 0
  }

  /** Whether something may bear the annotation of a binding. */
  mayHaveOrphansOf(key: BindingKey): boolean {
    return this.#writer.unshown.of(key) !== undefined || this.#inventory.outputsOf(key).some(isAnnotated)
  }

  /** What the reference wrote, without an annotation, is not ours to judge. */
  async removeOrphans(key: BindingKey): Promise<Result | undefined> {
    const kept = await this.withdraw(key, 'there is no such binding', (output) => !isAnnotated(output))
    return kept.kind === 'unfinished' ? kept.result : undefined
  }

  /** What the watch shows of a binding, and what this process wrote for it and the watch has not shown yet. */
  async #own(key: BindingKey): Promise<Own> {
    const unshown = await this.#lookUpUnshown(key)
    return unshown.kind === 'unfinished'
      ? unshown
      : { kind: 'known', outputs: [...this.#inventory.outputsOf(key), ...unshown.outputs] }
  }

  async #lookUpUnshown(key: BindingKey): Promise<Own> {
    const nothing = { kind: 'known', outputs: [] } as const
    const noted = this.#writer.unshown.of(key)
    if (!noted) return nothing
    const { name, uid } = noted
    // What the watch shows under the name may be the one before it.
    const shown = this.#inventory.output(name)?.uid
    if (shown === uid || !this.#inventory.isServed(clusterSpiffeIdResource)) {
      this.#writer.unshown.forget(key)
      return nothing
    }
    const reply = await this.#objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind !== 'done' && reply.kind !== 'absent')
      return { kind: 'unfinished', result: retryOf(`reading ClusterSPIFFEID ${name}`, reply) }
    const output = reply.kind === 'done' ? decodeOutput(reply.object) : undefined
    if (output?.owner === key && uid === '') {
      const { spiffeIDTemplate: spiffeId } = output.spec
      this.#journal({ action: 'created', binding: key, name, spiffeId, why: 'the answer to that was lost' })
      this.#writer.unshown.note(key, output)
    }
    if (output?.owner === key && output.uid !== shown) return { kind: 'known', outputs: [output] }
    this.#writer.unshown.forget(key)
    return nothing
  }
}

const isAnnotated = ({ annotated }: Output): boolean => annotated

/** What a creation is, if it comes to one. */
function creationBy({ before, after }: Handover, isShown: boolean): Pick<Entry, 'action' | 'why'> {
  const names = [...before, ...after].map(({ name }) => name)
  if (names.length > 0) return { action: 'replaced', why: `it takes the place of ${names.join(', ')}` }
  return isShown
    ? { action: 'repaired', why: 'somebody deleted it' }
    : { action: 'created', why: 'the binding has an identity' }
}
