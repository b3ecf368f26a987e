import { given, type Binding, type Reference } from '../binding.ts'
import { finding, type Finding } from '../findings.ts'
import type { Lookup } from '../references.ts'
import { crdName, type Resource } from '../resources.ts'
import { show } from '../show.ts'

/**
 * Checks that references to pools and to objectives share: malformed references, kinds that are not served, missing
 * objects.
 */
type ReferenceField = 'spec.poolRef' | 'spec.objectiveRef'

export function unusableReference(
  rule: 'invalidPoolRef' | 'invalidObjectiveRef',
  field: ReferenceField,
  reference: Reference,
  lookup: Extract<Lookup<unknown>, { kind: 'unusable' }>,
): readonly Finding[] {
  const name = given(reference.name)
  const group = given(reference.group)
  return [
    ...(lookup.blankName
      ? [
          name === undefined || name === ''
            ? finding(
                rule,
                { field: `${field}.name`, cause: 'Required', value: name },
                `${field}.name is blank`,
              )
            : finding(
                rule,
                { field: `${field}.name`, cause: 'Invalid', value: name },
                // `name` is a string here only if the whole reference was a string.
                typeof name === 'string'
                  ? `${field} ${show(name)} is not an object`
                  : `${field}.name ${show(name)} is not a string`,
              ),
        ]
      : []),
    ...(lookup.unsupportedGroup
      ? [
          finding(
            rule,
            { field: `${field}.group`, cause: 'Invalid', value: group },
            `${field}.group ${show(group)} is not supported`,
          ),
        ]
      : []),
  ]
}

export function unserved(
  rule: 'inferencePoolCrdMissing' | 'inferenceObjectiveCrdMissing',
  field: ReferenceField,
  wanted: readonly Resource[],
): Finding {
  const crds = wanted.map(crdName).join(', ')
  return finding(
    rule,
    { field, cause: 'NotFound', value: crds },
    `${field}: no CustomResourceDefinition serves it (${crds})`,
  )
}

export function absent(
  rule: 'targetPoolNotFound' | 'targetObjectiveNotFound',
  field: `${ReferenceField}.name`,
  { namespace }: Binding,
  { name, tried }: Extract<Lookup<unknown>, { kind: 'absent' }>,
): Finding {
  const kind = rule === 'targetPoolNotFound' ? 'InferencePool' : 'InferenceObjective'
  const groups = tried.map((resource) => resource.group).join(', ')
  return finding(
    rule,
    { field, cause: 'NotFound', value: name },
    `${field} ${show(name)}: no such ${kind} in namespace ${show(namespace)} (asked ${groups})`,
  )
}
