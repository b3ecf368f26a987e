import type { RuleName } from './findings.ts'

const rulesOfTheSpec: ReadonlySet<RuleName> = new Set([
  'invalidPoolRef',
  'invalidObjectiveRef',
  'missingObjectiveRef',
  'unsupportedMode',
  'invalidServiceAccountName',
  'invalidContainerName',
  'unexpectedContainerName',
])

/** Checks 1, 4, 5 and 10 to 13 of the contract: they look at the spec alone, so only an edit of it helps. */
export const isOfTheSpec = (rule: RuleName): boolean => rulesOfTheSpec.has(rule)

/**
 * The failures that our CustomResourceDefinition makes of the bindings of a later contract, which know neither mode nor
 * objective: checks 4, 5 and 10 to 13. They take nothing away that the former operator has given.
 */
export const keepsFormerOutputs = (rule: RuleName): boolean => isOfTheSpec(rule) && rule !== 'invalidPoolRef'
