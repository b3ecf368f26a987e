import { inSlices, type Turns } from '../core/slices.ts'

/** How many things there are of each kind; `one` is the first of them. */
export type Tally<T> = readonly { readonly one: T; readonly count: number }[]

/**
 * Counts things that have the same key. There may be a hundred thousand, at every scrape, so they are gone through in slices; what
 * comes or goes meanwhile is counted or not.
 */
export const tally = <T>(things: Iterable<T>, keyOf: (one: T) => string, turns: Turns): Promise<Tally<T>> =>
  inSlices(counting(things, keyOf), turns)

function* counting<T>(things: Iterable<T>, keyOf: (one: T) => string): Generator<undefined, Tally<T>> {
  const counts = new Map<string, { readonly one: T; count: number }>()
  for (const one of things) {
    const key = keyOf(one)
    const entry = counts.get(key)
    if (entry) entry.count += 1
    else counts.set(key, { one, count: 1 })
    yield
  }
  return [...counts.values()]
}
