import type { BindingKey } from '../core/binding.ts'

/** The kinds of writes to a ClusterSPIFFEID of ours, for the log and the metric. */
export const journalActions = ['created', 'adopted', 'changed', 'repaired', 'replaced', 'deleted'] as const
export type JournalAction = (typeof journalActions)[number]

/** One write to a ClusterSPIFFEID that took effect. */
export type JournalEntry = {
  readonly action: JournalAction
  readonly binding: BindingKey | undefined
  readonly name: string
  readonly spiffeId: unknown
  readonly why: string
  /** Paths of the fields that differed; `by` names the field managers that had edited them. */
  readonly fields?: readonly string[]
  readonly by?: readonly string[]
}

export type Journal = (entry: JournalEntry) => void

/** The creation of a ClusterSPIFFEID that neither takes the place of another one nor repairs a deletion by somebody. */
export const plainCreation = { action: 'created', why: 'the binding has an identity' } as const
