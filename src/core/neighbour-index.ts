import type { Binding, BindingKey, Mode } from './binding.ts'
import { outputName } from './clusterspiffeid.ts'
import type { Identity } from './identity.ts'
import { textOr } from './json.ts'
import type { PodLabels } from './selectors.ts'
import { Terms } from './terms.ts'

/** Finds bindings by how their identities come near to one another. */
export class NeighbourIndex {
  readonly #outputNames = new Terms<BindingKey>()
  readonly #spiffeIds = new Terms<BindingKey>()
  readonly #poolUses = new Terms<BindingKey>()
  readonly #neighbourhoods = new Map<string, Neighbourhood>()
  /** The containers for which there are neighbourhoods, by service account: the empty one is for PoolOnly. */
  readonly #containers = new Map<string, Set<string>>()

  add(key: BindingKey, binding: Binding, identity: Identity): void {
    for (const [terms, term] of this.#filed(binding, identity)) terms.add(key, term)
    const scope = scopeOf(binding, containerOf(binding))
    let neighbourhood = this.#neighbourhoods.get(scope)
    if (!neighbourhood) {
      this.#neighbourhoods.set(scope, (neighbourhood = new Neighbourhood()))
      const account = accountOf(binding)
      const containers = this.#containers.get(account) ?? new Set()
      this.#containers.set(account, containers.add(containerOf(binding)))
    }
    neighbourhood.add(key, identity.pods)
  }

  /** With the binding and the identity that it was added with. */
  remove(key: BindingKey, binding: Binding, identity: Identity): void {
    for (const [terms, term] of this.#filed(binding, identity)) terms.remove(key, term)
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
  #filed(binding: Binding, identity: Identity): readonly (readonly [Terms<BindingKey>, string])[] {
    return [
      [this.#outputNames, outputName(binding, identity)],
      [this.#spiffeIds, identity.spiffeId],
      [this.#poolUses, poolUse(binding, identity.poolGroup, identity.mode)],
    ]
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
