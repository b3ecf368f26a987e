import { usualStaleMs } from '../webhook/reservations.ts'
import type { Feed } from './feed.ts'

/**
 * Why this replica is too far behind to decide: after this long without news of bindings it might allow a key that
 * another replica has given to somebody.
 */
export const staleness = (feed: Pick<Feed, 'silence'>): string | undefined => {
  const silence = feed.silence()
  if (silence <= usualStaleMs / 2) return undefined
  const since = Number.isFinite(silence) ? ` for ${Math.round(silence / 1000)} s` : ' yet'
  return `nothing was heard of InferenceIdentityBindings${since}`
}

/** Why nothing can be decided at this moment; undefined if it can. */
export function ignoranceOf(feed: Pick<Feed, 'unsynced' | 'halted' | 'silence'>): string | undefined {
  const [unknown] = feed.unsynced()
  return feed.halted() ?? (unknown === undefined ? staleness(feed) : `${unknown} has not been listed yet`)
}
