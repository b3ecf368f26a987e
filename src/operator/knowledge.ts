import { gvk } from '../core/resources.ts'
import type { HealthCheck } from '../serving/probes.ts'
import { usualStaleMs } from '../webhook/reservations.ts'
import type { Feed } from './feed.ts'
import { takenInWithinMs, type Waiting } from './working-out.ts'

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

/**
 * Why the reconcile loop may touch nothing at this moment; undefined if it may. As long as bindings have not been listed, each
 * ClusterSPIFFEID would look like one whose binding is gone: at the start, and after an obstacle in their kind has ended.
 */
export function hindranceOf(feed: Pick<Feed, 'unsynced' | 'halted'>): string | undefined {
  const [unknown] = feed.unsynced()
  return feed.halted() ?? (unknown === undefined ? undefined : `${unknown} has not been listed yet`)
}

/**
 * Why what this replica knows is of no one moment: a list that was cut short while it was taken in, as by an outage, leaves
 * half of what was known before, until the next list is there. A list that lasts for less is waited for.
 */
function mixture(feed: Pick<Feed, 'takingIn'>, waiting: Waiting): string | undefined {
  const list = feed.takingIn(waiting)
  if (!list || list.forMs <= takenInWithinMs) return undefined
  return `the list of ${gvk(list.resource)} that began ${Math.round(list.forMs / 1000)} s ago has not been taken in whole yet`
}

/** A list for which the loop alone waits keeps no replica from being ready, since reviews are answered all the same. */
export function listsCheck(feed: Pick<Feed, 'takingIn'>): HealthCheck {
  const problem = mixture(feed, 'review')
  if (problem !== undefined) return { name: 'lists', problem }
  const ofLoop = mixture(feed, 'loop')
  return { name: 'lists', problem: ofLoop, ...(ofLoop !== undefined && { informs: true }) }
}

/** Why nothing can be decided at this moment, for whoever asked; undefined if it can. */
export const ignoranceOf = (
  feed: Pick<Feed, 'unsynced' | 'halted' | 'silence' | 'takingIn'>,
): string | undefined => {
  const mixed = mixture(feed, 'review')
  return hindranceOf(feed) ?? staleness(feed) ?? (mixed === undefined ? undefined : `${mixed}; try again`)
}
