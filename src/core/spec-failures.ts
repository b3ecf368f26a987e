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
 * Failures that only say that a binding was written for a later version of the former operator, which knows neither mode
 * nor objective: checks 4, 5 and 10 to 13. For such a failure the outputs of the former operator are kept.
 */
export const keepsFormerOutputs = (rule: RuleName): boolean => isOfTheSpec(rule) && rule !== 'invalidPoolRef'
