/** What of a long list of bindings a review needs. */
import { nameOf, specOf } from '../core/change.ts'
import type { Consequence, ReferenceChange } from '../core/consequences.ts'
import type { Action } from '../core/findings.ts'
import type { Inventory } from '../core/inventory.ts'
import { sameJson } from '../core/json.ts'
import { decodePool } from '../core/references.ts'
import { poolResources } from '../core/resources.ts'
import type { PodSelector } from '../core/selectors.ts'
import { nameAtMost } from '../core/show.ts'
import type { ListedBindings } from './listed.ts'
import type { ListLive } from './missing.ts'

/**
 * Whether an answer by this guess names as many bindings as an answer may, all of them listed, so that the bindings that are not
 * listed yet could only change how many more it counts. A change that may come to be allowed must be harmless whoever they are.
 */
export function isEnough(
  guess: readonly Consequence[],
  { names }: ListedBindings,
  isHarmless: boolean,
  actionOn: (consequence: Consequence) => Action,
): boolean {
  const named = (action: Action): readonly Consequence[] =>
    guess.filter((one) => actionOn(one) === action).slice(0, nameAtMost)
  const [refusals, warned] = [named('deny'), named('warn')]
  if (!isHarmless && !refusals.some(isFinal)) return false
  return [refusals, warned].every(
    (some) =>
      (some.length === 0 || some.length === nameAtMost) &&
      some.every(({ binding }) => names.has(binding.name)),
  )
}

/** Whether no read can take a refusal back, because its reason is in the object under review. */
const isFinal = (one: Consequence): boolean =>
  one.kind === 'harm' && one.finding.rule === 'invalidPoolSelector'

/**
 * Whether a change of a pool can bring no binding a failure for which it would be refused, whichever bindings there are: both
 * selectors are usable and no other pool has the new one, so that bindings which can come to collide use this pool and
 * collided before: neither of them has an identity to lose.
 */
export async function canHarmNobody(
  { resource, namespace, name, object }: ReferenceChange,
  oldObject: unknown,
  inventory: Inventory,
  list: ListLive,
): Promise<boolean> {
  if (resource.kind !== 'InferencePool' || oldObject === undefined) return false
  const [before, after] = [oldObject, object].map((one) => decodePool(specOf(one)).selector)
  if (before?.kind !== 'labels' || after?.kind !== 'labels') return false
  const kinds = poolResources.filter((kind) => kind === resource || inventory.isServed(kind))
  const others: PodSelector[] = []
  const lists = await Promise.allSettled(
    kinds.map((kind) =>
      list(kind, namespace, (pool) => {
        const isOther = kind !== resource || nameOf(pool).name !== name
        if (isOther) others.push(decodePool(specOf(pool)).selector)
      }),
    ),
  )
  // Where pools can't be listed, the whole list of bindings decides.
  if (lists.some(({ status }) => status === 'rejected')) return false
  return !others.some((other) => other.kind === 'labels' && sameJson(other.pods.pairs, after.pods.pairs))
}
