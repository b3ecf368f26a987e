import type { BindingKey } from '../core/binding.ts'

/** What can happen to a ClusterSPIFFEID of ours. */
export const actions = ['created', 'adopted', 'changed', 'repaired', 'replaced', 'deleted'] as const
export type Action = (typeof actions)[number]

/** One write to a ClusterSPIFFEID that took effect. */
export type Entry = {
  readonly action: Action
  readonly binding: BindingKey | undefined
  readonly name: string
  readonly spiffeId: unknown
  readonly why: string
  /** What differed, and who had changed it, as far as the API server knows. */
  readonly fields?: readonly string[]
  readonly by?: readonly string[]
}

export type Journal = (entry: Entry) => void
