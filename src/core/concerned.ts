/**
 * The bindings that a change concerns besides those that changed: bindings that share a collision key with them, and
 * bindings that they replace under a new name.
 */
import { bindingKey, type BindingKey } from './binding.ts'
import type { Census, Entry } from './census.ts'

/**
 * The bindings that a change affects, those that hold a collision key which the change took or gave up, and those that any
 * of these replace. Some come twice.
 */
export function* concernedBy(
  census: Census,
  affected: readonly BindingKey[],
  contested: Iterable<string>,
): Iterable<BindingKey> {
  for (const key of affected) {
    yield key
    yield* replacedBy(census.get(key))
  }
  for (const collisionKey of contested)
    for (const key of census.holding(collisionKey)) {
      yield key
      yield* replacedBy(census.get(key))
    }
}

/** The bindings that hold one of these collision keys. */
export const holdersOf = (
  census: Census,
  collisionKeys: Iterable<string | undefined>,
): readonly BindingKey[] =>
  [...collisionKeys].flatMap((key) => (key === undefined ? [] : [...census.holding(key)]))

/** Adds the bindings that the given ones replace, because a replaced binding waits for its successor. */
export const withReplaced = (census: Census, keys: readonly BindingKey[]): ReadonlySet<BindingKey> =>
  new Set([...keys, ...keys.flatMap((key) => replacedBy(census.get(key)))])

/** The binding that a binding is annotated to replace, if any. */
export const replacedBy = (entry: Entry | undefined): readonly BindingKey[] =>
  entry?.binding.replaces === undefined ? [] : [bindingKey(entry.binding.namespace, entry.binding.replaces)]
