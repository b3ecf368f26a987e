import type { Path } from './path.ts'

/** How the API server sorts its complaints (metav1.CauseType), and what it says while it decodes. */
export type CauseReason =
  | 'UnknownField'
  | 'Undecodable'
  | 'NotServed'
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueTypeInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'

/** One reason for which the API server refuses an object, in its words. */
export type Cause = {
  readonly reason: CauseReason
  /** As it is printed: `spec.targetPorts[0].number`. */
  readonly field: string
  /** The same, step by step; undefined where it is no field of the object. */
  readonly path: Path
  readonly value: unknown
  readonly message: string
}

/** These keep the API server from evaluating any rule in CEL. */
const blocking: ReadonlySet<CauseReason> = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
])

export const isBlocking = ({ reason }: Cause): boolean => blocking.has(reason)
