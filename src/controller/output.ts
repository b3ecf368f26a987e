import type { BindingKey } from '../core/binding.ts'
import {
  decodeOutput,
  givesSameIdentity,
  hasDrifted,
  ownerAnnotation,
  type ClusterSpiffeId,
  type Output,
} from '../core/clusterspiffeid.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, type JsonObject } from '../core/json.ts'
import type { Objects, Reply } from '../core/objects.ts'
import { takenName } from '../core/plan.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import { retryOf, wait, type Result } from './outcome.ts'
import { Stored } from './stored.ts'
import { Unshown } from './unshown.ts'

/** The ClusterSPIFFEID is as it should be; or it is refused for good; or neither can be said yet. */
export type Settlement =
  | { readonly kind: 'inPlace'; readonly output: Output }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unfinished'; readonly result: Result }

/** Brings the ClusterSPIFFEIDs of bindings to what they should be, with as few writes as that takes. */
export class Outputs {
  readonly #inventory: Inventory
  readonly #objects: Objects
  readonly #stored: Stored
  /** A creation is noted before it is sent: one whose answer is lost may have taken effect. */
  readonly #unshown = new Unshown()

  constructor(inventory: Inventory, objects: Objects) {
    this.#inventory = inventory
    this.#objects = objects
    this.#stored = new Stored(() => inventory.schemaOf(clusterSpiffeIdResource))
  }

  /**
   * A new name comes before an old one goes while the identity stays the same. When it changes, the old one
   * goes first, once a dry run has shown that the new one will be taken: no workload ever has two identities
   * from one binding, and none is given up for a refusal.
   *
   * @param isSaid whether the binding is known to give this identity: what differs under its name was then edited
   */
  async settle(
    key: BindingKey,
    wanted: ClusterSpiffeId,
    collisionKey: string | undefined,
    isSaid: boolean,
  ): Promise<Settlement> {
    const unshown = await this.#lookUpUnshown(key)
    if (unshown.kind === 'unfinished') return unshown
    const mine = [...this.#inventory.outputsOf(key), ...unshown.outputs]
    const stale = mine.filter((output) => !givesSameIdentity(output, wanted))
    const rivals = collisionKey === undefined ? [] : this.#rivals(collisionKey, key)
    const isEdited = ({ name }: Output): boolean => isSaid && name === wanted.metadata.name
    const obstacles = rivals.length > 0 ? stale : stale.filter((output) => !isEdited(output))
    if (obstacles.length > 0) {
      const doubt = await this.#rehearse(key, wanted)
      if (doubt) return doubt
      const left = await this.#removeAll(obstacles)
      if (left) return { kind: 'unfinished', result: left }
    }
    if (rivals.length > 0)
      return unfinished(
        wait(`ClusterSPIFFEID ${rivals[0]?.name} of another binding still serves the same container`),
      )
    const settlement = await this.#write(key, wanted, obstacles)
    if (settlement.kind !== 'inPlace') return settlement
    const left = await this.#removeAll(
      mine.filter((output) => output.uid !== settlement.output.uid && !obstacles.includes(output)),
    )
    return left ? { kind: 'unfinished', result: left } : settlement
  }

  /** Deletes all that a binding has. Undefined once the API server says that none is left. */
  async withdraw(key: BindingKey): Promise<Result | undefined> {
    const unshown = await this.#lookUpUnshown(key)
    if (unshown.kind === 'unfinished') return unshown.result
    return this.#removeAll([...this.#inventory.outputsOf(key), ...unshown.outputs])
  }

  /** Outputs of others for the same container, those included that the watch has not shown yet. */
  #rivals(collisionKey: string, key: BindingKey): readonly Output[] {
    return [...this.#inventory.outputsHolding(collisionKey, key), ...this.#unshown.holding(collisionKey, key)]
  }

  /** Whether something may bear the annotation of a binding. */
  mayHaveOrphansOf(key: BindingKey): boolean {
    return this.#unshown.of(key) !== undefined || this.#orphansOf(key).length > 0
  }

  async removeOrphans(key: BindingKey): Promise<Result | undefined> {
    const unshown = await this.#lookUpUnshown(key)
    if (unshown.kind === 'unfinished') return unshown.result
    return this.#removeAll([...this.#orphansOf(key), ...unshown.outputs])
  }

  /** What the reference wrote without an annotation is not ours to judge. */
  #orphansOf(key: BindingKey): readonly Output[] {
    return this.#inventory.outputsOf(key).filter(({ annotated }) => annotated)
  }

  /** What this process wrote for a binding and the watch has not shown yet. */
  async #lookUpUnshown(
    key: BindingKey,
  ): Promise<
    | { readonly kind: 'known'; readonly outputs: readonly Output[] }
    | { readonly kind: 'unfinished'; readonly result: Result }
  > {
    const noted = this.#unshown.of(key)
    if (!noted) return { kind: 'known', outputs: [] }
    const { name, uid } = noted
    // What the watch shows under the name may be the one before it.
    const shown = this.#inventory.output(name)?.uid
    if (shown === uid || !this.#inventory.isServed(clusterSpiffeIdResource)) {
      this.#unshown.forget(key)
      return { kind: 'known', outputs: [] }
    }
    const reply = await this.#objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind !== 'done' && reply.kind !== 'absent')
      return { kind: 'unfinished', result: retryOf(`reading ClusterSPIFFEID ${name}`, reply) }
    const output = reply.kind === 'done' ? decodeOutput(reply.object) : undefined
    if (output?.owner === key && output.uid !== shown) return { kind: 'known', outputs: [output] }
    this.#unshown.forget(key)
    return { kind: 'known', outputs: [] }
  }

  /**
   * Would the API server take it? Only a refusal for good, or no answer at all, is a doubt. That our own object of the
   * name is in its way is what the API server says last, when nothing else is.
   */
  async #rehearse(key: BindingKey, wanted: ClusterSpiffeId): Promise<Settlement | undefined> {
    const { name } = wanted.metadata
    const there = await this.#objects.get(clusterSpiffeIdResource, { name })
    if (there.kind === 'done' && decodeOutput(there.object).owner !== key)
      return { kind: 'refused', why: takenName(name) }
    const reply = await this.#objects.create(clusterSpiffeIdResource, wanted, { dryRun: true })
    if (reply.kind === 'conflict' && there.kind === 'done') return undefined
    switch (reply.kind) {
      case 'done':
        return undefined
      case 'refused':
        return { kind: 'refused', why: reply.message }
      case 'conflict':
      case 'absent':
      case 'failed':
        return unfinished(retryOf(`rehearsing ClusterSPIFFEID ${name}`, reply))
    }
  }

  /** `gone` are objects that the cache may still show. */
  async #write(
    key: BindingKey,
    wanted: ClusterSpiffeId,
    gone: readonly Pick<Output, 'uid'>[],
  ): Promise<Settlement> {
    const { name } = wanted.metadata
    const cached = this.#inventory.output(name)
    const known = gone.some(({ uid }) => uid === cached?.uid) ? undefined : cached
    if (known?.owner === key && !known.deleting && !hasDrifted(known, wanted, this.#stored.of(wanted)))
      return { kind: 'inPlace', output: known }
    if (!known) {
      // What is there already, unseen, still counts as it is until a write has changed it.
      if (!this.#unshown.of(key)) this.#unshown.note(key, decodeOutput(wanted))
      const reply = await this.#objects.create(clusterSpiffeIdResource, wanted)
      if (reply.kind !== 'conflict') return this.#noted(key, wanted, reply)
    }
    return this.#repair(key, wanted)
  }

  /** Looks at the object itself before it is replaced: what the cache has of it leaves fields out. */
  async #repair(key: BindingKey, wanted: ClusterSpiffeId): Promise<Settlement> {
    const { name } = wanted.metadata
    const reply = await this.#objects.get(clusterSpiffeIdResource, { name })
    if (reply.kind !== 'done') return unfinished(retryOf(`reading ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    if (output.owner !== key) {
      this.#unshown.forget(key)
      return { kind: 'refused', why: takenName(name) }
    }
    if (output.deleting) return unfinished(wait(`ClusterSPIFFEID ${name} is being deleted`))
    if (!hasDrifted(output, wanted, this.#stored.of(wanted))) {
      this.#unshown.note(key, output)
      return { kind: 'inPlace', output }
    }
    return this.#noted(
      key,
      wanted,
      await this.#objects.replace(clusterSpiffeIdResource, merged(reply.object, wanted)),
    )
  }

  #noted(key: BindingKey, wanted: ClusterSpiffeId, reply: Reply): Settlement {
    const { name } = wanted.metadata
    if (reply.kind === 'refused') {
      this.#unshown.forget(key)
      return { kind: 'refused', why: reply.message }
    }
    if (reply.kind !== 'done') return unfinished(retryOf(`writing ClusterSPIFFEID ${name}`, reply))
    const output = decodeOutput(reply.object)
    this.#unshown.note(key, output)
    this.#stored.note(wanted, output)
    return { kind: 'inPlace', output }
  }

  /** Undefined once each of them is gone: a deletion timestamp is not enough, SPIRE still serves it. */
  async #removeAll(outputs: readonly Output[]): Promise<Result | undefined> {
    for (const { name, uid, resourceVersion, owner, deleting } of outputs) {
      const doing = `deleting ClusterSPIFFEID ${name}`
      const removed = deleting
        ? undefined
        : await this.#objects.remove(clusterSpiffeIdResource, { name }, { uid, resourceVersion })
      if (removed?.kind === 'refused' || removed?.kind === 'failed') return retryOf(doing, removed)
      const still = await this.#objects.get(clusterSpiffeIdResource, { name })
      if (still.kind !== 'done' && still.kind !== 'absent') return retryOf(doing, still)
      if (still.kind === 'done' && decodeOutput(still.object).uid === uid)
        return removed?.kind === 'conflict'
          ? retryOf(doing, removed)
          : wait(`ClusterSPIFFEID ${name} waits for its finalizers`, finalizersMs)
      if (still.kind === 'absent') this.#stored.forget(name)
      if (owner !== undefined && this.#unshown.of(owner)?.uid === uid) this.#unshown.forget(owner)
    }
    return undefined
  }
}

/** The watch tells when an object is gone; this is for what it misses. */
const finalizersMs = 5000

const unfinished = (result: Result): Settlement => ({ kind: 'unfinished', result })

/** The live object with our spec, labels and annotation; other labels and annotations are left alone. */
function merged(live: JsonObject, wanted: ClusterSpiffeId): JsonObject {
  const metadata = objectOr(live['metadata'])
  return {
    ...live,
    metadata: {
      ...metadata,
      labels: { ...objectOr(field(metadata, 'labels')), ...wanted.metadata.labels },
      annotations: {
        ...objectOr(field(metadata, 'annotations')),
        [ownerAnnotation]: wanted.metadata.annotations[ownerAnnotation],
      },
    },
    spec: wanted.spec,
  }
}
