/** Everything that happened in a soak, in the order in which the API server made it. */
import type { Resource } from '../../src/core/resources.ts'
import type { Json } from '../support/embedded/json.ts'

/**
 * What the operator can't write while a fault lasts: nothing at all, or no ClusterSPIFFEIDs. With `haste` it can write all, but
 * every request takes `slowRequestMs`.
 */
export type Blinds = 'everything' | 'outputs' | 'haste' | 'nothing'

export const slowRequestMs = 1_500

/** One object was created, changed or removed. */
export type Change = {
  readonly kind: 'change'
  /** Milliseconds since the start. */
  readonly at: number
  /** The etcd revision that made it, which is one count for all kinds. */
  readonly version: number
  readonly resource: Resource
  readonly removed: boolean
  readonly object: Json
  /** Somebody else than the operator made it. */
  readonly byOthers: boolean
}

/** A fault begins or ends. Both marks of one fault have the same id. */
export type FaultMark = {
  readonly kind: 'fault'
  readonly at: number
  readonly id: number
  readonly name: string
  readonly phase: 'begins' | 'ends'
  readonly blinds: Blinds
}

export type Entry =
  | Change
  | FaultMark
  /** Nothing happened: time passed. */
  | { readonly kind: 'tick'; readonly at: number }
  /** There was neither edit nor fault from `since` until now, so everything should be as the contract says. */
  | { readonly kind: 'calm'; readonly at: number; readonly since: number }

/** The promises that are held against a history. */
export const rules = {
  withdrawn: 'an identity is withdrawn only for a failure of the contract, a change or a deletion',
  doubled: 'a binding never has two ClusterSPIFFEIDs',
  unasked: 'the operator writes only what some binding asks for',
  clashing: 'no two bindings give identities to one container, unless one replaces the other',
  stale: 'what no binding asks for any more is gone in time',
  unsaid: 'what is not as it should be is said in time',
  shape: 'a status has all five conditions',
  unquiet: 'after the last fault all is as the contract says, and then nothing is written',
} as const

export type Rule = keyof typeof rules

export type Violation = {
  readonly rule: Rule
  readonly at: number
  /** The `namespace/name` of the binding. */
  readonly about: string
  readonly what: string
  /** What happened to that binding before, and which faults there were. */
  readonly history: readonly string[]
}
