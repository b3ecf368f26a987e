import type { BindingKey } from '../../../src/core/binding.ts'
import { bindingKey } from '../../../src/core/binding.ts'
import { givesSameIdentity, type ClusterSpiffeId, type Output } from '../../../src/core/clusterspiffeid.ts'
import { summaryOf } from '../../../src/core/conditions.ts'
import { inventoryOfState, planIn, type State } from '../../support/model.ts'

/** What a binding should have by the contract, given the objects of the cluster at one moment and nothing else. */
export type Wish =
  | { readonly kind: 'identity'; readonly wanted: ClusterSpiffeId }
  | { readonly kind: 'failure'; readonly reason: string }
  /** It is being deleted. */
  | { readonly kind: 'farewell' }

export function wishesIn(state: State): ReadonlyMap<BindingKey, Wish> {
  const inventory = inventoryOfState(state)
  return new Map(
    inventory.bindings().map((binding): [BindingKey, Wish] => {
      const key = bindingKey(binding.namespace, binding.name)
      if (binding.deleting) return [key, { kind: 'farewell' }]
      const plan = planIn(inventory, binding)
      return [
        key,
        plan.kind === 'render'
          ? { kind: 'identity', wanted: plan.wanted }
          : { kind: 'failure', reason: summaryOf(plan.outcome).reason },
      ]
    }),
  )
}

/** Whether a ClusterSPIFFEID gives what is asked for, under the name that it is asked for. */
export const fulfils = (output: Output, wish: Wish | undefined): boolean =>
  wish?.kind === 'identity' &&
  wish.wanted.metadata.name === output.name &&
  givesSameIdentity(output, wish.wanted)

export const inWords = (wish: Wish | undefined): string =>
  wish?.kind === 'identity'
    ? `${wish.wanted.metadata.name} with ${JSON.stringify(wish.wanted.spec['workloadSelectorTemplates'])}`
    : (wish?.kind === 'failure' && wish.reason) || 'nothing'

type Period = { readonly from: number; readonly wish: Wish | undefined }

/** How long a wish is remembered after another one has replaced it. */
const rememberedMs = 300_000

/** What each binding should have had, and from when until when. */
export class Wishes {
  readonly #periods = new Map<BindingKey, readonly Period[]>()
  readonly #texts = new Map<BindingKey, string>()

  /** Takes the wishes that hold from now on. */
  take(at: number, wishes: ReadonlyMap<BindingKey, Wish>): void {
    const changed = [...new Set([...this.#texts.keys(), ...wishes.keys()])].filter(
      (key) => this.#texts.get(key) !== textOf(wishes.get(key)),
    )
    for (const key of changed) {
      const wish = wishes.get(key)
      if (wish) this.#texts.set(key, textOf(wish))
      else this.#texts.delete(key)
      const periods = [...(this.#periods.get(key) ?? []), { from: at, wish }]
      const isOver = (index: number): boolean => (periods[index + 1]?.from ?? Infinity) < at - rememberedMs
      this.#periods.set(
        key,
        periods.filter((_, index) => !isOver(index)),
      )
    }
  }

  now(key: BindingKey): Wish | undefined {
    return this.#periods.get(key)?.at(-1)?.wish
  }

  /** Each wish of a binding since `from`; undefined for a time in which the binding was not there. */
  since(key: BindingKey, from: number): readonly (Wish | undefined)[] {
    const periods = this.#periods.get(key) ?? []
    const before = periods[0] === undefined || periods[0].from > from ? [undefined] : []
    return [
      ...before,
      ...periods.filter((_, at) => (periods[at + 1]?.from ?? Infinity) >= from).map(({ wish }) => wish),
    ]
  }
}

const textOf = (wish: Wish | undefined): string => (wish === undefined ? '' : JSON.stringify(wish))
