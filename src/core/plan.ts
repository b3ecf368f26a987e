import type { Binding } from './binding.ts'
import { render, type ClusterSpiffeId, type Output } from './clusterspiffeid.ts'
import { outputUidIn, readyIn, type Failure } from './conditions.ts'
import type { Evaluation } from './evaluate.ts'
import { rules } from './findings.ts'
import type { Settings } from './identity.ts'
import { isOfForeignSchema } from './spec-failures.ts'

/** What follows from an evaluation: either a wanted output, or its withdrawal with the failure that causes it. */
export type Plan =
  | {
      readonly kind: 'render'
      readonly wanted: ClusterSpiffeId
      readonly identity: NonNullable<Evaluation['identity']>
    }
  | { readonly kind: 'withdraw'; readonly outcome: Failure }

export function planOf(binding: Binding, { findings, identity }: Evaluation, settings: Settings): Plan {
  const [first] = findings
  if (first) {
    const { rule, message, unread } = first
    return { kind: 'withdraw', outcome: { kind: 'failed', rule, message, ...(unread && { unread }) } }
  }
  if (!identity) throw new Error(`${binding.namespace}/${binding.name} has neither a finding nor an identity`)
  return { kind: 'render', identity, wanted: render(binding, identity, settings) }
}

/** Why a ClusterSPIFFEID can't be put in place, and what to do about it. */
export type OutputRefusal = {
  readonly why: string
  readonly fix: string
  /** True if it will be refused for as long as the binding stays unchanged. */
  readonly stalls: boolean
}

/** What to do where waiting does not help; where it may, the rule's own fix says so. */
export const stalledFixes = {
  taken: 'delete that one, or rename this binding',
  // That of a binding would be made again.
  takenByBinding: 'rename this binding',
  invalid: 'change what the API server objects to, in this binding or in what it refers to',
} as const

/** The failure of a binding whose ClusterSPIFFEID is refused. */
export const refusedOutput = (name: string, { why, fix, stalls }: OutputRefusal): Failure => ({
  kind: 'failed',
  rule: 'managedOutputApplyFailed',
  message: `ClusterSPIFFEID ${name} is refused: ${why}; ${fix}`,
  stalls,
})

/**
 * Whether an output stays although its binding fails, because its spec does or a kind that it depends on is unread. One of the former
 * operator does. One of ours does where nobody edited the spec since its identity was given: then a foreign schema took fields away, as
 * while the CustomResourceDefinition of v0.11 was installed, or another project stopped serving a version.
 */
export const staysDespite = (
  { rule, unread = false }: Failure,
  output: Pick<Output, 'annotated' | 'uid'>,
  binding: Pick<Binding, 'status' | 'generation'>,
): boolean => (unread || isOfForeignSchema(rule)) && (!output.annotated || isGivenUnedited(output, binding))

/** An edit of the spec raises the generation. What the API server prunes, because the schema has no such field, does not. */
function isGivenUnedited(
  { uid }: Pick<Output, 'uid'>,
  { status, generation }: Pick<Binding, 'status' | 'generation'>,
): boolean {
  const ready = readyIn(status)
  if (ready?.observedGeneration !== generation) return false
  // A foreign schema may have taken this part of the status, too; Ready=True is then all that is left to go by.
  const named = outputUidIn(status)
  return named === undefined ? ready.status === 'True' : named === uid
}

/** Adds to a failure that outputs are kept, if there are any. */
export function keptDespite(
  failure: Failure,
  kept: readonly Pick<Output, 'name' | 'uid' | 'generation' | 'spec' | 'annotated'>[],
): Failure {
  if (kept.length === 0) return failure
  const ours = kept.find(({ annotated }) => annotated)
  const names = kept.map(({ name }) => name).toSorted()
  const isMixed = ours && kept.some(({ annotated }) => !annotated)
  const giver = isMixed ? 'this and the former operator' : ours ? 'this operator' : 'the former operator'
  const message = `${failure.message}; the identity that ${giver} gave by ClusterSPIFFEID ${names.join(', ')} is kept until the spec is edited`
  return { ...failure, message, ...(ours && { keeps: ours }) }
}

/** Splits the message of a failure from what `keptDespite` adds to it. */
export function splitKept(message: string): { readonly problem: string; readonly kept: string } {
  const at = message.search(
    /; the identity that (?:the former|this|this and the former) operator gave by [^;]* is kept until the spec is edited$/,
  )
  return at === -1
    ? { problem: message, kept: '' }
    : { problem: message.slice(0, at), kept: message.slice(at) }
}

/**
 * The owner of the name is not named, because it may be in another namespace.
 *
 * @param there the ClusterSPIFFEID that has the name, or will have it
 */
export const takenName = (name: string, { owner }: Pick<Output, 'owner'>): OutputRefusal => ({
  why: `the name ${name} belongs to ${owner === undefined ? 'another ClusterSPIFFEID' : "another binding's ClusterSPIFFEID"}, which is left alone`,
  fix: owner === undefined ? stalledFixes.taken : stalledFixes.takenByBinding,
  stalls: true,
})

/**
 * A 422 is about the rendered object itself and lasts; any other refusal comes from permissions or policies and may
 * end.
 */
export const refusedWith = (code: number, why: string): OutputRefusal =>
  code === 422
    ? { why, fix: stalledFixes.invalid, stalls: true }
    : { why, fix: rules.managedOutputApplyFailed.fix, stalls: false }
