import { finalizer } from '../core/binding.ts'
import { field, objectOr } from '../core/json.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Inspection } from './inspection.ts'
import type { OperatorState } from './operator-state.ts'

/**
 * What to do about a binding that is being deleted. The operator's own finalizer stays until the binding's ClusterSPIFFEIDs are gone,
 * so where one of these waits for a finalizer, that is the cause. Nobody else is told to take the operator's own finalizer off: the
 * binding would go, and its identity would stay until the operator works again.
 */
export function leavingFix({
  binding: { finalizers },
  output: { leftovers },
  manifests,
  operator,
}: Pick<Inspection, 'binding' | 'output' | 'manifests' | 'operator'>): string {
  const waiting = manifests.flatMap(({ resource, name, object }) => {
    const metadata = objectOr(field(object, 'metadata'))
    const names = field(metadata, 'finalizers')
    const isLeftover =
      resource === clusterSpiffeIdResource && leftovers.includes(name) && Array.isArray(names)
    return isLeftover && names.length > 0 && field(metadata, 'deletionTimestamp') !== undefined
      ? [`finalizer ${names.join(', ')} of its ClusterSPIFFEID ${name}, which has to go first`]
      : []
  })
  const others = finalizers.flatMap((one) => (one === finalizer ? waiting : [one]))
  const isOurs = finalizers.includes(finalizer) && waiting.length === 0
  const steps = [
    ...(others.length > 0 ? [`what keeps it is ${others.join('; ')}`] : []),
    ...(isOurs
      ? [`leave finalizer ${finalizer} to the operator, which takes it off ${whenTakenOff(operator)}`]
      : []),
  ]
  return steps.join('; ') || 'nothing keeps it any more'
}

function whenTakenOff({ problems, published }: OperatorState): string {
  if (problems.length > 0) return `as soon as it works, and it does not now: ${problems.join('; ')}`
  return published
    ? 'once the ClusterSPIFFEIDs of the binding are gone; if that lasts, see its log'
    : 'as soon as it runs'
}
