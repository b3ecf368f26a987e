import type { Path } from './path.ts'

/** The API server's classes of causes (metav1.CauseType), and one more for errors of decoding. */
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

/** One cause for which the API server refuses an object, in the API server's words. */
export type SchemaCause = {
  readonly reason: CauseReason
  /** The field as it is printed: `spec.targetPorts[0].number`. */
  readonly field: string
  /** The path to the field. */
  readonly path: Path
  readonly value: unknown
  readonly message: string
}

/** Causes that keep the API server from evaluating the CEL rules. */
const blocking: ReadonlySet<CauseReason> = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
])

export const isBlocking = ({ reason }: SchemaCause): boolean => blocking.has(reason)
