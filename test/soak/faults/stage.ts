import type { Random } from '../random.ts'
import type { Recorder } from '../recorder.ts'
import type { Site } from '../site.ts'

export type Stage = { readonly site: Site; readonly recorder: Recorder; readonly random: Random }

/** Something goes wrong for a while. Resolves once it is over and whatever had to recover could. */
export type Fault = (stage: Stage) => Promise<void>

/** How many ms a fault lasts: not so long that the Lease is lost, and longer. */
export const usualMs = [2_000, 8_000] as const
export const longMs = [10_000, 20_000] as const
