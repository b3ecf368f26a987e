import type { Binding } from './binding.ts'
import { render, type ClusterSpiffeId } from './clusterspiffeid.ts'
import type { Failure } from './conditions.ts'
import type { Evaluation } from './evaluate.ts'
import { rules } from './findings.ts'
import type { Settings } from './identity.ts'

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
  if (first)
    return { kind: 'withdraw', outcome: { kind: 'failed', rule: first.rule, message: first.message } }
  if (!identity) throw new Error(`${binding.namespace}/${binding.name} has neither a finding nor an identity`)
  return { kind: 'render', identity, wanted: render(binding, identity, settings) }
}

/**
 * The failure of a binding whose ClusterSPIFFEID is refused by the API server.
 *
 * @param stalls true if it will be refused for as long as the binding stays unchanged
 */
export const refusedOutput = (name: string, why: string, stalls = false): Failure => ({
  kind: 'failed',
  rule: 'managedOutputApplyFailed',
  message: `ClusterSPIFFEID ${name} is refused: ${why}; ${rules.managedOutputApplyFailed.fix}`,
  stalls,
})

/** Adds to a failure of the spec that the outputs of the former operator are kept. */
export const keptFormer = (failure: Failure, names: readonly string[]): Failure => ({
  ...failure,
  message: `${failure.message}; the identity that the former operator gave by ClusterSPIFFEID ${names.toSorted().join(', ')} is kept until the spec is edited`,
})

/** The owner of the name is left out, because it may be in another namespace. */
export const takenName = (name: string): string =>
  `the name ${name} belongs to another ClusterSPIFFEID, which is left alone; delete that one, or rename this binding`
