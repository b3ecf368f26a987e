import { bindingKey, type Binding, type BindingKey, type Mode } from './binding.ts'
import { outputName } from './clusterspiffeid.ts'
import type { Stake } from './evaluate.ts'
import { textOr } from './json.ts'
import type { PodLabels } from './selectors.ts'
import { Terms } from './terms.ts'

/** Finds bindings by what they refer to and by what they stand for. */
export class BindingIndex {
  readonly #pools = new Terms<BindingKey>()
  readonly #objectives = new Terms<BindingKey>()
  readonly #collisionKeys = new Terms<BindingKey>()
  readonly #latentKeys = new Terms<BindingKey>()
  readonly #references = new Terms<BindingKey>()
  readonly #replaced = new Terms<BindingKey>()
  readonly #outputNames = new Terms<BindingKey>()
  readonly #spiffeIds = new Terms<BindingKey>()
  readonly #poolUses = new Terms<BindingKey>()
  readonly #neighbourhoods = new Map<string, Neighbourhood>()
  /** The containers for which there are neighbourhoods, by service account: the empty one is for PoolOnly. */
  readonly #containers = new Map<string, Set<string>>()

  add(key: BindingKey, binding: Binding, stake: Stake): void {
    for (const [terms, term] of this.#filed(binding, stake)) terms.add(key, term)
    const { identity } = stake
    if (!identity) return
    const scope = scopeOf(binding, containerOf(binding))
    let neighbourhood = this.#neighbourhoods.get(scope)
    if (!neighbourhood) {
      this.#neighbourhoods.set(scope, (neighbourhood = new Neighbourhood()))
      this.#containers.getOrInsertComputed(accountOf(binding), () => new Set()).add(containerOf(binding))
    }
    neighbourhood.add(key, identity.pods)
  }

  /** With the binding and the stake that it was added with. */
  remove(key: BindingKey, binding: Binding, stake: Stake): void {
    for (const [terms, term] of this.#filed(binding, stake)) terms.remove(key, term)
    const { identity } = stake
    if (!identity) return
    const scope = scopeOf(binding, containerOf(binding))
    const neighbourhood = this.#neighbourhoods.get(scope)
    neighbourhood?.remove(key, identity.pods)
    if (!neighbourhood?.isEmpty) return
    this.#neighbourhoods.delete(scope)
    const containers = this.#containers.get(accountOf(binding))
    containers?.delete(containerOf(binding))
    if (containers?.size === 0) this.#containers.delete(accountOf(binding))
  }

  /** Under what a binding is found, and where. */
  #filed(
    binding: Binding,
    { identity, latent, reference }: Stake,
  ): readonly (readonly [Terms<BindingKey>, string])[] {
    const { namespace, spec, replaces } = binding
    const pool = spec.poolRef.name
    const objective = spec.objectiveRef?.name
    return [
      ...(typeof pool === 'string' ? [[this.#pools, bindingKey(namespace, pool)] as const] : []),
      ...(typeof objective === 'string'
        ? [[this.#objectives, bindingKey(namespace, objective)] as const]
        : []),
      ...(identity
        ? ([
            [this.#outputNames, outputName(binding, identity)],
            [this.#spiffeIds, identity.spiffeId],
            [this.#poolUses, poolUse(binding, identity.poolGroup, identity.mode)],
          ] as const)
        : []),
      ...(identity?.collisionKey === undefined
        ? []
        : [[this.#collisionKeys, identity.collisionKey] as const]),
      ...latent.map((collisionKey) => [this.#latentKeys, collisionKey] as const),
      ...(reference === undefined ? [] : [[this.#references, reference] as const]),
      ...(replaces === undefined ? [] : [[this.#replaced, bindingKey(namespace, replaces)] as const]),
    ]
  }

  /** Those that refer to a pool by this name, in whatever group. */
  usingPool(namespace: string, name: string): ReadonlySet<BindingKey> {
    return this.#pools.of(bindingKey(namespace, name))
  }

  usingObjective(namespace: string, name: string): ReadonlySet<BindingKey> {
    return this.#objectives.of(bindingKey(namespace, name))
  }

  holding(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#collisionKeys.of(collisionKey)
  }

  /** Those that would hold it if another object that they refer to were not there. */
  comingTo(collisionKey: string): ReadonlySet<BindingKey> {
    return this.#latentKeys.of(collisionKey)
  }

  /** Those that ask for the same container by the same reference. */
  asking(reference: string): ReadonlySet<BindingKey> {
    return this.#references.of(reference)
  }

  /** Those that say that they replace a binding. */
  replacing(key: BindingKey): ReadonlySet<BindingKey> {
    return this.#replaced.of(key)
  }

  /** Those whose output would have this name. */
  wanting(name: string): ReadonlySet<BindingKey> {
    return this.#outputNames.of(name)
  }

  giving(spiffeId: string): ReadonlySet<BindingKey> {
    return this.#spiffeIds.of(spiffeId)
  }

  /** Those of a mode on the pool of a binding, for its service account. */
  beside(binding: Binding, poolGroup: string, mode: Mode): ReadonlySet<BindingKey> {
    return this.#poolUses.of(poolUse(binding, poolGroup, mode))
  }

  /**
   * Those whose labels may be within these, or these within theirs, for a binding's service account and a container that
   * both are for: a PoolOnly binding is for all of them.
   */
  *near(binding: Binding, pods: PodLabels): Iterable<BindingKey> {
    const container = containerOf(binding)
    const containers =
      container === '' ? (this.#containers.get(accountOf(binding)) ?? []) : new Set([container, ''])
    for (const one of containers) {
      const neighbourhood = this.#neighbourhoods.get(scopeOf(binding, one))
      if (neighbourhood) yield* neighbourhood.near(pods)
    }
  }
}

/** Bindings for one service account and container of a namespace, by the labels of their pods. */
class Neighbourhood {
  readonly #labels = new Terms<BindingKey>()
  /** Under the longest label alone, which is the most likely to set its pods apart. */
  readonly #anchors = new Terms<BindingKey>()

  get isEmpty(): boolean {
    return this.#anchors.isEmpty
  }

  add(key: BindingKey, { pairs }: PodLabels): void {
    for (const pair of pairs) this.#labels.add(key, pair)
    this.#anchors.add(key, longest(pairs))
  }

  remove(key: BindingKey, { pairs }: PodLabels): void {
    for (const pair of pairs) this.#labels.remove(key, pair)
    this.#anchors.remove(key, longest(pairs))
  }

  /**
   * Whose labels may be within these is found by the one label that each is anchored to, and within whose labels
   * these may be by the rarest of these.
   */
  *near({ pairs }: PodLabels): Iterable<BindingKey> {
    for (const pair of pairs) yield* this.#anchors.of(pair)
    let rarest = ''
    let fewest = Infinity
    for (const pair of pairs) {
      const count = this.#labels.count(pair)
      if (count >= fewest) continue
      rarest = pair
      fewest = count
    }
    yield* this.#labels.of(rarest)
  }
}

const longest = (pairs: readonly string[]): string =>
  pairs.reduce((a, b) => (b.length > a.length ? b : a), '')

// No name of Kubernetes has a slash, and what has an identity is named by such names alone.
const poolUse = ({ namespace, spec }: Binding, poolGroup: string, mode: Mode): string =>
  [namespace, poolGroup, textOr(spec.poolRef.name, ''), textOr(spec.serviceAccountName, ''), mode].join('/')

const accountOf = ({ namespace, spec }: Binding): string =>
  [namespace, textOr(spec.serviceAccountName, '')].join('/')

const containerOf = ({ spec }: Binding): string => textOr(spec.containerName, '')

const scopeOf = (binding: Binding, container: string): string => [accountOf(binding), container].join('/')
