import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import type { ClusterSpiffeId, Output } from '../core/clusterspiffeid.ts'
import { outputNamedIn, showsIdentity } from '../core/conditions.ts'
import type { Identity } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import type { JsonObject } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import { handover, type Handover } from './handover.ts'
import { plainCreation, type Journal, type JournalEntry } from './journal.ts'
import { OwnOutputs } from './own-outputs.ts'
import type { Placement } from './placement.ts'
import { PrunedSpecs } from './pruned-specs.ts'
import { Remover } from './remover.ts'
import { rivalsOf } from './rivals.ts'
import { settled, wait, type RunResult } from './run-result.ts'
import type { UnshownOutputs } from './unshown-outputs.ts'
import { Writer } from './writer.ts'

type OutputsOptions = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly announcer: Announcer
  /** Called for every write that took effect. */
  readonly journal: Journal
  /** Outputs that this process wrote and the inventory may not have yet. */
  readonly unshown: UnshownOutputs
}

/** What came of deleting outputs, and which others stay as they are. */
type Withdrawal =
  | { readonly kind: 'gone'; readonly kept: readonly Output[] }
  /** Some are still there: the API server said that they wait for their finalizers, or that they may not be deleted. */
  | { readonly kind: 'pending'; readonly kept: readonly Output[]; readonly result: RunResult }
  /** Whether they are gone is not known: a request failed, or an output was changed meanwhile. */
  | { readonly kind: 'unfinished'; readonly result: RunResult }

/** Makes the ClusterSPIFFEIDs of a binding what they should be, with as few writes as possible. */
export class Outputs {
  readonly #inventory: Inventory
  readonly #unshown: UnshownOutputs
  readonly #prunedSpecs: PrunedSpecs
  readonly #remover: Remover
  readonly #own: OwnOutputs
  readonly #writer: Writer

  constructor(options: OutputsOptions) {
    const { inventory, unshown } = options
    const prunedSpecs = new PrunedSpecs(() => inventory.schemaOf(clusterSpiffeIdResource))
    const remover = new Remover({ ...options, prunedSpecs })
    const { removed } = remover
    this.#inventory = inventory
    this.#unshown = unshown
    this.#prunedSpecs = prunedSpecs
    this.#remover = remover
    this.#own = new OwnOutputs({ ...options, removed })
    this.#writer = new Writer({ ...options, removed, prunedSpecs })
  }

  /** The bindings with an output that was pruned: under another schema the API server may store more of it. */
  *pruned(): Iterable<BindingKey> {
    for (const name of this.#prunedSpecs.names()) {
      const owner = this.#inventory.output(name)?.owner
      if (owner !== undefined) yield owner
    }
  }

  /**
   * Puts the wanted output in place and removes the others, in the order that `handover` decides. Before an existing
   * output is deleted, a dry run must have shown that the API server accepts the wanted one.
   */
  async put(binding: Binding, identity: Identity, wanted: ClusterSpiffeId): Promise<Placement> {
    const key = bindingKey(binding.namespace, binding.name)
    const own = await this.#own.of(key, binding.status)
    if (own.kind === 'unfinished') return own
    this.#remover.tellUnanswered(key, own.outputs)
    const isShown = showsIdentity(binding.status, identity)
    const rivals = rivalsOf(binding, identity, { inventory: this.#inventory, unshown: this.#unshown })
    const steps = handover({ mine: own.outputs, rivals, wanted, isShown })
    const isNamed = isShown && outputNamedIn(binding.status) !== undefined
    const wantedOutput = { binding, wanted, creation: creationBy(steps, isNamed) }
    if (steps.before.length > 0) {
      const doubt = await this.#writer.rehearse(wantedOutput)
      if (doubt) return doubt
      const left = await this.#remover.removeAll(steps.before, whyReplaced(steps.before, wanted, identity))
      if (left) return { kind: 'unfinished', result: left.result }
    }
    const [rival] = steps.blocking
    if (rival) {
      const why = `ClusterSPIFFEID ${rival.name} of another binding still serves the same container`
      return { kind: 'unfinished', result: wait(why) }
    }
    const placement = await this.#writer.put(wantedOutput, own.outputs, steps.before)
    if (placement.kind !== 'inPlace') return placement
    this.#remover.removed.stays(key, placement.output.uid)
    const left = await this.#remover.removeAll(steps.after, `${wanted.metadata.name} gives its identity`)
    return left ? { kind: 'unfinished', result: left.result } : placement
  }

  /**
   * Deletes all outputs of a binding.
   *
   * @param status the binding's; undefined if the binding is gone
   * @param keeps tells outputs that are to stay
   */
  async withdraw(
    key: BindingKey,
    status: JsonObject | undefined,
    why: string,
    keeps: (output: Output) => boolean = () => false,
  ): Promise<Withdrawal> {
    const own = await this.#own.of(key, status)
    if (own.kind === 'unfinished') return own
    this.#remover.tellUnanswered(key, own.outputs)
    const kept = own.outputs.filter(keeps)
    const left = await this.#remover.removeAll(
      own.outputs.filter((output) => !kept.includes(output)),
      why,
    )
    if (!left) {
      this.#remover.tellUnanswered(key, kept)
      return { kind: 'gone', kept }
    }
    const { result } = left
    return left.isAnswered ? { kind: 'pending', kept, result } : { kind: 'unfinished', result }
  }

  /** Forgets what was done for a binding that is gone. */
  forget(key: BindingKey): void {
    const unshown = this.#unshown.of(key)
    this.#remover.tellUnanswered(key, [...this.#inventory.outputsOf(key), ...(unshown ? [unshown] : [])])
    this.#remover.removed.forget(key)
  }

  /** Whether a binding may have an output. */
  mayHaveAny({ namespace, name, status }: Binding): boolean {
    return this.#own.mayExist(bindingKey(namespace, name), status)
  }

  /** Whether an output with the annotation of this binding may exist. */
  mayHaveOrphansOf(key: BindingKey): boolean {
    return this.#unshown.of(key) !== undefined || this.#inventory.outputsOf(key).some(isAnnotated)
  }

  /**
   * Deletes outputs whose binding is gone. Outputs without our annotation, which the former operator wrote, are left
   * alone.
   */
  async removeOrphans(key: BindingKey): Promise<RunResult> {
    const withdrawn = await this.withdraw(
      key,
      undefined,
      'there is no such binding',
      (output) => !isAnnotated(output),
    )
    return withdrawn.kind === 'gone' ? settled : withdrawn.result
  }
}

const isAnnotated = ({ annotated }: Output): boolean => annotated

/** Why outputs go before the wanted one comes: it gives another ID, or the same ID to other workloads. */
function whyReplaced(
  before: readonly Output[],
  { metadata: { name }, spec }: ClusterSpiffeId,
  { spiffeId, selectors }: Identity,
): string {
  const isSameId = before.every((one) => one.spec['spiffeIDTemplate'] === spec['spiffeIDTemplate'])
  return `${name} takes its place with ${isSameId ? `the selectors ${selectors.join(', ')}` : spiffeId}`
}

/**
 * How the journal names the creation of the wanted output, if it has to be created.
 *
 * @param isNamed whether the status names an output that gives this identity
 */
function creationBy({ before, after }: Handover, isNamed: boolean): Pick<JournalEntry, 'action' | 'why'> {
  const names = [...before, ...after].map(({ name }) => name)
  if (names.length > 0) return { action: 'replaced', why: `it takes the place of ${names.join(', ')}` }
  return isNamed ? { action: 'repaired', why: 'somebody deleted it' } : plainCreation
}
