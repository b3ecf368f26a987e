import type { Binding, BindingKey, Mode } from './binding.ts'
import type { Identity } from './identity.ts'
import { textOr } from './json.ts'
import { outputName } from './output-name.ts'
import type { PodLabels } from './selectors.ts'
import { Terms } from './terms.ts'

/** Finds bindings whose identities may serve the same pods, or whose outputs would have the same name. */
export class NeighbourIndex {
  readonly #outputNames = new Terms<BindingKey>()
  readonly #spiffeIds = new Terms<BindingKey>()
  readonly #poolUses = new Terms<BindingKey>()
  readonly #neighbourhoods = new Map<string, Neighbourhood>()
  /** The containers that have a neighbourhood, by service account. The empty text stands for PoolOnly bindings. */
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

  /** Takes the binding and the identity that were given to `add`. */
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

  /** The indexes that a binding stands in, each with its term there. */
  #filed(binding: Binding, identity: Identity): readonly (readonly [Terms<BindingKey>, string])[] {
    return [
      [this.#outputNames, outputName(binding, identity)],
      [this.#spiffeIds, identity.spiffeId],
      [this.#poolUses, poolUse(binding, identity.poolGroup, identity.mode)],
    ]
  }

  /** Bindings whose output would have this name. */
  wanting(name: string): Iterable<BindingKey> {
    return this.#outputNames.of(name)
  }

  giving(spiffeId: string): Iterable<BindingKey> {
    return this.#spiffeIds.of(spiffeId)
  }

  /** Bindings of a mode on the pool of the given one, for its service account. */
  beside(binding: Binding, poolGroup: string, mode: Mode): Iterable<BindingKey> {
    return this.#poolUses.of(poolUse(binding, poolGroup, mode))
  }

  /**
   * Bindings whose pod labels may include these, or be included in these, for the service account of the given one
   * and a container that both serve. A PoolOnly binding serves all containers.
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
  /** Each binding stands here under its longest label only, the one most likely to tell its pods from others. */
  readonly #anchors = new Terms<BindingKey>()

  get isEmpty(): boolean {
    return this.#anchors.isEmpty
  }

  add(key: BindingKey, { pairs }: PodLabels): void {
    for (const pair of pairs) this.#labels.add(key, pair)
    this.#anchors.add(key, longestOf(pairs))
  }

  remove(key: BindingKey, { pairs }: PodLabels): void {
    for (const pair of pairs) this.#labels.remove(key, pair)
    this.#anchors.remove(key, longestOf(pairs))
  }

  /**
   * Bindings whose labels may be included in the given ones are found by the one label that each is anchored to;
   * bindings whose labels may include the given ones are found by the rarest of the given ones.
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

const longestOf = (pairs: readonly string[]): string =>
  pairs.reduce((a, b) => (b.length > a.length ? b : a), '')

// The parts are Kubernetes names, which have no slash, so joining them with slashes is unambiguous.
const poolUse = ({ namespace, spec }: Binding, poolGroup: string, mode: Mode): string =>
  [namespace, poolGroup, textOr(spec.poolRef.name, ''), textOr(spec.serviceAccountName, ''), mode].join('/')

const accountOf = ({ namespace, spec }: Binding): string =>
  [namespace, textOr(spec.serviceAccountName, '')].join('/')

const containerOf = ({ spec }: Binding): string => textOr(spec.containerName, '')

const scopeOf = (binding: Binding, container: string): string => [accountOf(binding), container].join('/')
