import type { Clock } from '../core/clock.ts'
import { type BackoffRange, usualBackoff } from './backoff.ts'
import type { Client } from './client.ts'
import type { Handler } from './ledger.ts'
import type { Log } from './log.ts'
import type { KubeObject } from './object.ts'

export type Timings = {
  /**
   * Objects of a list that are asked for at once. 100, where client-go has 500: a page is parsed in one go, and reviews wait
   * meanwhile. 100 bindings of 3 KB take 1 ms of CPU, a slice (core/slices.ts); 500 took 5.
   */
  readonly pageSize: number
  readonly backoff: BackoffRange
  /**
   * The API server sends a bookmark each minute only if its version has grown since the watch began. While nobody changes
   * the kind, its version does not grow for up to ten minutes, unless somebody lists. So after this long without an event
   * one object is listed: the next bookmark then comes, and shows that the watch is alive.
   */
  readonly nudgeMs: number
  /**
   * After this silence the connection counts as dead, and the kind is listed again. 75 s, since bookmarks come every
   * 60.
   */
  readonly idleMs: number
  /** The API server ends a watch after a random time in between, so that not all end at once. */
  readonly watchSeconds: { readonly from: number; readonly to: number }
  /** After a failure the watch goes on from the last version if something was heard this recently, else it lists. */
  readonly resumeWithinMs: number
  /**
   * A watch that ends sooner than this without an event counts as failed, however cleanly it ended: otherwise it would
   * be begun again without a pause.
   */
  readonly shortWatchMs: number
  /**
   * How often a failure that lasts is logged again. Five minutes: often enough to be seen, too rarely to fill a log.
   */
  readonly complainEveryMs: number
}

export const usualTimings: Timings = {
  pageSize: 100,
  backoff: usualBackoff,
  nudgeMs: 30_000,
  idleMs: 75_000,
  watchSeconds: { from: 300, to: 600 },
  resumeWithinMs: 20_000,
  shortWatchMs: 1000,
  complainEveryMs: 300_000,
}

export type ReflectorOptions = {
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly resource: { readonly group: string; readonly version: string; readonly plural: string }
  /** All namespaces if absent. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly handler: Handler
  /** What to keep of an object, as early as possible; undefined for one that is of no interest. */
  readonly reduce?: (object: KubeObject) => KubeObject | undefined
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: () => number
  readonly timings?: Partial<Timings>
}
