import type { Output } from '../core/clusterspiffeid.ts'
import type { Reply } from '../core/objects.ts'
import { takenName } from '../core/plan.ts'
import type { RunResult } from './run-result.ts'

/**
 * How putting a ClusterSPIFFEID in place ended: it is as it should be, or it was refused, or the run has to end
 * early.
 */
export type Placement =
  | { readonly kind: 'inPlace'; readonly output: Output }
  | {
      readonly kind: 'refused'
      readonly why: string
      /** True if the API server will refuse it for as long as the binding stays unchanged. */
      readonly stalls: boolean
    }
  | { readonly kind: 'unfinished'; readonly result: RunResult }

/** The run has to end before the ClusterSPIFFEID is in place. */
export const unfinished = (result: RunResult): Placement => ({ kind: 'unfinished', result })

/** Refused because an object of somebody else has the name. */
export const taken = (name: string): Placement => ({ kind: 'refused', why: takenName(name), stalls: true })

/**
 * A 422 is about the rendered object itself and lasts; any other refusal comes from permissions or policies and may
 * end.
 */
export const refusedBy = ({ code, message }: Extract<Reply, { kind: 'refused' }>): Placement => ({
  kind: 'refused',
  why: message,
  stalls: code === 422,
})
