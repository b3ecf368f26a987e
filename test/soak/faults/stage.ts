import type { Random } from '../random.ts'
import type { Recorder } from '../recorder.ts'
import type { Site } from '../site.ts'

export type Stage = { readonly site: Site; readonly recorder: Recorder; readonly random: Random }

/** Something goes wrong for a while. Resolves once it is over and whatever had to recover could. */
export type Fault = (stage: Stage) => Promise<void>

/** How many ms a fault lasts. */
export const usualMs = [2_000, 12_000] as const
