import { isDeepStrictEqual } from 'node:util'
import type { BindingKey } from '../../../src/core/binding.ts'
import { decodeBinding } from '../../../src/core/binding.ts'
import { collisionKeyIn, decodeOutput, type Output } from '../../../src/core/clusterspiffeid.ts'
import { bindingResource, definitionResource } from '../../../src/core/resources.ts'
import { metaOf } from '../../support/world.ts'
import type { Change, Rule } from '../history.ts'
import type { Blindness } from './blindness.ts'
import type { Scene } from './scene.ts'
import { fulfils, inWords, wishesIn, type Wish, type Wishes } from './wishes.ts'

/** How old what the operator acts on may be while nothing is amiss. */
const usualLagMs = 5_000

type Finding = { readonly rule: Rule; readonly about: BindingKey; readonly what: string }

/** The promises on what the operator writes of ClusterSPIFFEIDs. */
export class OutputRules {
  readonly #scene: Scene
  readonly #wishes: Wishes
  readonly #blindness: Blindness
  /** The uids of outputs that somebody else changed since the operator wrote them last. */
  readonly #tampered = new Set<string>()

  readonly counts = { written: 0, withdrawn: 0 }

  constructor(scene: Scene, wishes: Wishes, blindness: Blindness) {
    this.#scene = scene
    this.#wishes = wishes
    this.#blindness = blindness
  }

  /** @param before what was there under the name */
  judge(change: Change, before: Change | undefined): readonly Finding[] {
    const output = decodeOutput(change.object)
    const isSame = before !== undefined && !change.removed && isSameWrite(decodeOutput(before.object), output)
    if (isSame) return []
    const wasTampered = this.#tampered.delete(output.uid)
    if (change.byOthers) {
      if (!change.removed) this.#tampered.add(output.uid)
      return []
    }
    const { owner } = output
    if (owner === undefined || !output.annotated) return []
    this.counts[change.removed ? 'withdrawn' : 'written'] += 1
    const from = this.#blindness.earliestDecision(change.at, usualLagMs)
    const wishes = this.#wishes.since(owner, from)
    if (change.removed) {
      const isWanted =
        wishes.every((wish) => fulfils(output, wish)) &&
        !this.#might(owner, from, (wish) => !fulfils(output, wish))
      const what = `${output.name} was withdrawn, though its binding asked for it all the time`
      return isWanted && !wasTampered ? [{ rule: 'withdrawn', about: owner, what }] : []
    }
    const isAsked =
      wishes.some((wish) => fulfils(output, wish)) ||
      this.#might(owner, from, (wish) => fulfils(output, wish))
    const what = `${output.name} was written, and nobody asked for it, but for ${wishes.map(inWords).join(', then ')}`
    return [
      ...(isAsked ? [] : [{ rule: 'unasked' as const, about: owner, what }]),
      ...this.#besides(output, owner),
    ]
  }

  /** Outputs that give what their binding does not ask for. Edits of others count too, since the operator must repair them. */
  unasked(): readonly Output[] {
    return this.#scene
      .outputs()
      .filter((output) => output.owner && !fulfils(output, this.#wishes.now(output.owner)))
  }

  /** Whether the binding has such a wish in one of the states that the operator may have taken the cluster to be in. */
  #might(owner: BindingKey, from: number, is: (wish: Wish | undefined) => boolean): boolean {
    const cuts = this.#scene.cutsSince(from, owner.slice(0, owner.indexOf('/')))
    if (!cuts) return true
    for (const state of cuts) if (is(wishesIn(state).get(owner))) return true
    return false
  }

  #besides(output: Output, owner: BindingKey): readonly Finding[] {
    const key = collisionKeyIn(output)
    return this.#scene
      .outputs()
      .filter(({ uid }) => uid !== output.uid && !this.#tampered.has(uid))
      .flatMap((other): readonly Finding[] => {
        if (other.owner === owner)
          return [
            { rule: 'doubled', about: owner, what: `${output.name} and ${other.name} are there at once` },
          ]
        if (other.owner === undefined || key === undefined || collisionKeyIn(other) !== key) return []
        if (this.#isRenamed(owner, other.owner)) return []
        return [
          { rule: 'clashing', about: owner, what: `${output.name} and ${other.name} serve one container` },
        ]
      })
  }

  #isRenamed(a: BindingKey, b: BindingKey): boolean {
    const [one, other] = [this.#scene.binding(a), this.#scene.binding(b)]
    return (
      (one !== undefined && one.replaces === nameIn(b)) ||
      (other !== undefined && other.replaces === nameIn(a))
    )
  }
}

const nameIn = (key: BindingKey): string => key.slice(key.indexOf('/') + 1)

/** Whether two states of an output differ by nothing but the status, which SPIRE Controller Manager writes. */
const isSameWrite = (a: Output, b: Output): boolean =>
  a.uid === b.uid &&
  a.owner === b.owner &&
  a.annotated === b.annotated &&
  a.deleting === b.deleting &&
  isDeepStrictEqual([a.spec, a.labels], [b.spec, b.labels])

/** The parts of an object that a binding can depend on, as text. */
export function groundsOf(change: Change | undefined): string {
  if (!change) return ''
  const { object, resource } = change
  if (resource === bindingResource) {
    const { deleting, replaces } = decodeBinding(object)
    return JSON.stringify([metaOf(object)['uid'], deleting, replaces, object['spec']])
  }
  if (resource === definitionResource)
    return JSON.stringify([metaOf(object)['deletionTimestamp'], object['spec'], object['status']])
  return JSON.stringify(object['spec'])
}
