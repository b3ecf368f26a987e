import { namespaceOf } from '../inventory.ts'

type Layout = {
  /** The namespace of a binding, by its number. */
  readonly home: (index: number) => string
  /** Whether a binding uses the pool that it shares with others, instead of one of its own. */
  readonly isShared: (index: number) => boolean
}

/** The pool of those that share one. */
export const sharedPool = 'shared'

/** Among `huge` ones, a tenth is in one namespace and on one pool, the others are in so many namespaces. */
const namespaces = 20_000

export function layoutOf(name: string, size: number): Layout {
  switch (name) {
    case 'together':
      return { home: (index) => namespaceOf('together', index), isShared: () => true }
    case 'huge': {
      const isShared = (index: number): boolean => index < size / 10
      return { home: (index) => (isShared(index) ? 'crowd' : `team-${index % namespaces}`), isShared }
    }
    default:
      return { home: (index) => namespaceOf('spread', index), isShared: () => false }
  }
}
