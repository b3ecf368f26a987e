/** Orders of the objects of the input. */
import { byBytes } from '../core/names.ts'
import type { Item } from './manifests.ts'

/** The objects without Namespaces: only Helm, Flux and Kustomize move a Namespace, so it stays where it is in other orders. */
export const movable = (items: readonly Item[]): readonly Item[] => items.filter(({ labels }) => !labels)

/** As Helm sorts: Namespaces first, kinds that it does not know by their names, and objects of a kind as they stand in the chart. */
export const byKind = (items: readonly Item[]): readonly Item[] =>
  sorted(items, ({ kind, labels }) => (labels ? '' : kind))

/** As Flux and Kustomize sort: by group and kind, and objects of a kind by namespace and name. */
export const byGroup = (items: readonly Item[]): readonly Item[] => sorted(items, idOf)

const sorted = (items: readonly Item[], by: (item: Item) => string): readonly Item[] =>
  items.toSorted((a, b) => byBytes(by(a), by(b)))

/** A text for each object, the same for all its versions. No part of it has the separator, which sorts before everything. */
const idOf = ({ group, kind, namespace, name }: Item): string => [group, kind, namespace, name].join('\0')

/** Whether an object stands there twice: the second time as an update. */
export const hasVersions = (items: readonly Item[]): boolean => new Set(items.map(idOf)).size < items.length

/** The objects in reverse. Of several versions of an object the later one stays the later one. */
export function reversed(items: readonly Item[]): readonly Item[] {
  const versions = Map.groupBy(movable(items), idOf)
  return placed(
    items,
    movable(items)
      .toReversed()
      .flatMap((item) => versions.get(idOf(item))?.shift() ?? []),
  )
}

/** Every order in which each object's versions follow one another as they do here. */
export function* everyOrder(items: readonly Item[]): Generator<readonly Item[]> {
  for (const order of ordersOf(movable(items))) yield placed(items, order)
}

function* ordersOf(left: readonly Item[]): Generator<readonly Item[]> {
  if (left.length === 0) yield []
  for (const [at, first] of left.entries()) {
    if (left.slice(0, at).some((earlier) => idOf(earlier) === idOf(first))) continue
    for (const rest of ordersOf(left.toSpliced(at, 1))) yield [first, ...rest]
  }
}

/** The objects in another order, with the Namespaces where they were. */
function placed(items: readonly Item[], order: readonly Item[]): readonly Item[] {
  const next = order.values()
  return items.map((item) => (item.labels ? item : (next.next().value ?? item)))
}
