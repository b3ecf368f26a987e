import { given, type Binding, type Reference } from '../binding.ts'
import type { World } from '../facts.ts'
import { finding, rules, type Finding } from '../findings.ts'
import type { Lookup } from '../references.ts'
import { crdName, type Resource } from '../resources.ts'
import { notAString, show } from '../show.ts'
import { unreadFix, unreadWords, type Unread } from '../unread.ts'

/**
 * Checks that references to pools and to objectives share: malformed references, kinds that are not served, missing
 * objects.
 */
type ReferenceField = 'spec.poolRef' | 'spec.objectiveRef'

type KindRule = 'inferencePoolCrdMissing' | 'inferenceObjectiveCrdMissing'
type ObjectRule = 'targetPoolNotFound' | 'targetObjectiveNotFound'
type MissingRule = KindRule | ObjectRule

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
                  : `${field}.name ${notAString(name)}`,
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
  rule: KindRule,
  field: ReferenceField,
  reference: Reference | undefined,
  wanted: readonly Resource[],
  world: World,
): Finding {
  const crds = wanted.map(crdName).join(', ')
  const at = { field, cause: 'NotFound', value: crds } as const
  return (
    unreadFinding(rule, at, `${field}:`, unreadAmong(wanted, world)) ??
    finding(rule, at, `${field}: no CustomResourceDefinition serves it (${crds})`, fixOf(rule, reference))
  )
}

export function absent(
  rule: ObjectRule,
  field: `${ReferenceField}.name`,
  { namespace, spec }: Binding,
  { name, wanted, tried }: Extract<Lookup<unknown>, { kind: 'absent' }>,
  world: World,
): Finding {
  const [kind, reference] =
    rule === 'targetPoolNotFound'
      ? ['InferencePool', spec.poolRef]
      : ['InferenceObjective', spec.objectiveRef]
  const groups = tried.map((resource) => resource.group).join(', ')
  const at = { field, cause: 'NotFound', value: name } as const
  const problem = `${field} ${show(name)}: no such ${kind} in namespace ${show(namespace)} (asked ${groups})`
  return (
    unreadFinding(rule, at, `${problem}, and`, unreadAmong(wanted, world)) ??
    finding(rule, at, problem, fixOf(rule, reference))
  )
}

const fixOf = (rule: MissingRule, reference: Reference | undefined): string =>
  reference?.group === undefined ? rules[rule].fix : rules[rule].fixWithGroup

/** Those of some kinds that are unread. */
export const unreadAmong = (kinds: readonly Resource[], world: World): readonly Unread[] =>
  kinds.flatMap((resource) => {
    const versions = world.otherVersions(resource)
    return versions ? [{ resource, versions }] : []
  })

/** The finding where kinds are unread, of which an object may be what is missing; undefined where none is. */
export const unreadFinding = (
  rule: Finding['rule'],
  at: Pick<Finding, 'field' | 'cause' | 'value'>,
  problem: string,
  unread: readonly Unread[],
): Finding | undefined =>
  unread.length === 0
    ? undefined
    : {
        rule,
        ...at,
        message: `${problem} ${unread.map(unreadWords).join(' and ')}; ${unreadFix}`,
        unread: true,
      }
