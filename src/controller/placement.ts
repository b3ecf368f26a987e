import type { Binding } from '../core/binding.ts'
import type { ClusterSpiffeId, Output } from '../core/clusterspiffeid.ts'
import type { Reply } from '../core/objects.ts'
import { refusedWith, takenName, type OutputRefusal } from '../core/plan.ts'
import type { JournalEntry } from './journal.ts'
import type { RunResult } from './run-result.ts'

/**
 * How putting a ClusterSPIFFEID in place ended: it is as it should be, or it was refused, or the run has to end
 * early.
 */
export type Placement =
  | { readonly kind: 'inPlace'; readonly output: Output }
  | ({ readonly kind: 'refused' } & OutputRefusal)
  | { readonly kind: 'unfinished'; readonly result: RunResult }

/** Why an output that was to be deleted may still be there. */
export type Leftover = {
  readonly result: RunResult
  /**
   * True if the API server answered that the output is still there and waits for its finalizers, or that it may not be deleted.
   * False if nothing is known of it: no answer, or it was changed meanwhile.
   */
  readonly isAnswered: boolean
}

/** A wanted ClusterSPIFFEID, its binding, and how the journal names its creation. */
export type WantedOutput = {
  readonly binding: Binding
  readonly wanted: ClusterSpiffeId
  readonly creation: Pick<JournalEntry, 'action' | 'why'>
}

/** The run has to end before the ClusterSPIFFEID is in place. */
export const unfinished = (result: RunResult): Placement => ({ kind: 'unfinished', result })

/** Refused because an object of somebody else has the name. */
export const taken = (there: Pick<Output, 'name' | 'owner'>): Placement => ({
  kind: 'refused',
  ...takenName(there.name, there),
})

/** Refused by the API server. */
export const refusedBy = ({ code, message }: Extract<Reply, { kind: 'refused' }>): Placement => ({
  kind: 'refused',
  ...refusedWith(code, message),
})
