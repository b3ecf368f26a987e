import { field, isObject, objectOr, textOr, type JsonObject } from './json.ts'

/** A metav1.LabelSelector as requirements that must all be met. An empty list selects everything. */
export type LabelSelector = readonly Requirement[]

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

type Requirement = {
  readonly key: string
  readonly operator: (typeof operators)[number]
  readonly values: readonly string[]
}

/**
 * Reads a selector as SPIRE Controller Manager does: an absent one selects everything. Undefined if the selector is
 * malformed and so selects nothing.
 */
export function decodeLabelSelector(selector: unknown): LabelSelector | undefined {
  if (selector === undefined || selector === null) return []
  if (!isObject(selector)) return undefined
  const expressions = field(selector, 'matchExpressions') ?? []
  if (!Array.isArray(expressions)) return undefined
  const requirements = expressions.map(decodeRequirement)
  const labels = Object.entries(objectOr(field(selector, 'matchLabels'))).map(
    ([key, value]): Requirement => ({ key, operator: 'In', values: textsIn([value]) }),
  )
  return requirements.every((one) => one !== undefined) ? [...labels, ...requirements] : undefined
}

function decodeRequirement(expression: unknown): Requirement | undefined {
  const fields = objectOr(expression)
  const operator = operators.find((known) => known === fields['operator'])
  const values = field(fields, 'values') ?? []
  return operator && { key: textOr(fields['key'], ''), operator, values: textsIn(values) }
}

const textsIn = (values: unknown): readonly string[] =>
  Array.isArray(values) ? values.filter((value) => typeof value === 'string') : []

/** Whether an object with exactly these labels is selected. */
export const selects = (selector: LabelSelector, labels: JsonObject): boolean =>
  selector.every((requirement) => {
    const value = valueOf(labels, requirement)
    return value === undefined ? !needsKey(requirement) : takes(requirement, value)
  })

/** Whether an object that has these labels, and perhaps others, may be selected. */
export const maySelect = (selector: LabelSelector, labels: JsonObject): boolean =>
  selector.every((requirement) => {
    const value = valueOf(labels, requirement)
    return value === undefined || takes(requirement, value)
  })

const valueOf = (labels: JsonObject, { key }: Requirement): unknown =>
  Object.hasOwn(labels, key) ? labels[key] : undefined

const needsKey = ({ operator }: Requirement): boolean => operator === 'In' || operator === 'Exists'

function takes({ operator, values }: Requirement, value: unknown): boolean {
  switch (operator) {
    case 'Exists':
      return true
    case 'DoesNotExist':
      return false
    case 'In':
      return values.some((one) => one === value)
    case 'NotIn':
      return !values.some((one) => one === value)
  }
}
