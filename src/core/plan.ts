import type { Binding } from './binding.ts'
import { render, type ClusterSpiffeId } from './clusterspiffeid.ts'
import type { Failure } from './conditions.ts'
import type { Evaluation } from './evaluate.ts'
import { rules } from './findings.ts'
import type { Settings } from './identity.ts'

/** What an evaluation asks for: an output, or none and the failure that is the reason. */
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
 * The failure of a ClusterSPIFFEID that the API server, or what stands in its place, does not take.
 *
 * @param stalls whether it will be refused for as long as the binding stays as it is
 */
export const refusedOutput = (name: string, why: string, stalls = false): Failure => ({
  kind: 'failed',
  rule: 'managedOutputApplyFailed',
  message: `ClusterSPIFFEID ${name} is refused: ${why}; ${rules.managedOutputApplyFailed.fix}`,
  stalls,
})

/** A failure of the spec alone takes nothing away that the former operator gave, and says so. */
export const keptFormer = (failure: Failure, names: readonly string[]): Failure => ({
  ...failure,
  message: `${failure.message}; the identity that the former operator gave by ClusterSPIFFEID ${names.toSorted().join(', ')} is kept until the spec is edited`,
})

/** Whose it is stays unsaid: it may be another namespace's. */
export const takenName = (name: string): string =>
  `the name ${name} belongs to another ClusterSPIFFEID, which is left alone; delete that one, or rename this binding`
