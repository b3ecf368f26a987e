import { bindingResource, clusterSpiffeIdResource } from '../core/resources.ts'
import { isGuessed } from './identity-config.ts'
import type { Inspection } from './inspection.ts'
import { isOfClass, outputWords } from './output-state.ts'
import { refTo, type ReportFinding } from './report-finding.ts'

export type Words = { readonly reason: string; readonly message: string; readonly fix: string }

/** An error on a binding and its ClusterSPIFFEID. */
export const trouble = (
  { binding, output }: Inspection,
  id: string,
  { reason, message, fix }: Words,
): ReportFinding => ({
  id,
  severity: 'error',
  reason,
  message,
  affectedRefs: refsOf(binding, output.name === null ? [] : [output.name]),
  fix,
})

const refsOf = (binding: Inspection['binding'], outputs: readonly string[]) => [
  refTo(bindingResource, binding),
  ...outputs.map((name) => refTo(clusterSpiffeIdResource, { name })),
]

/** Findings on the ClusterSPIFFEIDs of a binding. */
export function outputTroubles(inspection: Inspection): readonly ReportFinding[] {
  // A name that rests on a guess tells nothing about the objects that are there.
  if (isGuessed(inspection.config)) return []
  const { output } = inspection
  const fix = 'the operator sets it right by itself; where that lasts, see its log'
  const drift = driftOf(inspection)
  const left = output.leftovers.join(', ')
  return [
    ...(drift
      ? [
          trouble(inspection, 'output-drift', {
            reason: drift,
            message: `ClusterSPIFFEID ${outputWords(output)}`,
            fix: drift === 'Waiting' ? whatKeeps(output.waitsFor) : fix,
          }),
        ]
      : []),
    ...(left === ''
      ? []
      : [
          {
            ...trouble(inspection, 'output-leftover', {
              reason: 'Leftover',
              message: `ClusterSPIFFEID ${left} is left over`,
              fix: `the operator deletes it; where that lasts, ${whatKeeps(output.leftovers)}`,
            }),
            affectedRefs: refsOf(inspection.binding, output.leftovers),
          },
        ]),
  ]
}

const whatKeeps = (outputs: readonly string[]): string =>
  `see what keeps it: kubectl get clusterspiffeids ${outputs.join(' ')} -o yaml`

/** What is wrong with the ClusterSPIFFEID. A class that is assumed makes no difference. */
function driftOf({ output, config }: Inspection): string | undefined {
  const { state, differences, waitsFor } = output
  const isClassGuessed = config.classNameSource === 'default'
  switch (state) {
    case 'missing':
      return waitsFor.length > 0 ? 'Waiting' : 'Missing'
    case 'deleting':
      return 'Deleting'
    case 'differs':
      return isClassGuessed && differences.every(isOfClass) ? undefined : 'Differs'
    case 'none':
    case 'unseen':
    case 'inPlace':
      return undefined
  }
}
