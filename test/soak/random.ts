/** Choices that a seed makes the same again. */
export type Random = {
  /** A whole number from 0 up to, but not including, `below`. */
  readonly below: (below: number) => number
  /** A number of milliseconds between two. */
  readonly between: (from: number, to: number) => number
  readonly chance: (of: number) => boolean
  readonly pick: <T>(from: readonly [T, ...T[]] | readonly T[]) => T
  /** A source of its own, so that what one actor does changes nothing for another. */
  readonly fork: () => Random
}

/** Deals all, in any order, then all again. */
export function dealer<T>(all: readonly T[], random: Random): () => T {
  let left: T[] = []
  return () => {
    if (left.length === 0) left = [...all]
    const dealt = random.pick(left)
    left = left.filter((one) => one !== dealt)
    return dealt
  }
}

/** The generator mulberry32: 32 bits of state are enough to choose edits by. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return {
    below,
    between: (from, to) => from + next() * (to - from),
    chance: (of) => next() < of,
    pick: (from) => {
      const chosen = from[below(from.length)]
      if (chosen === undefined) throw new Error('there is nothing to pick from')
      return chosen
    },
    fork: () => createRandom(below(2 ** 32)),
  }
}
