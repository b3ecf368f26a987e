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

/** Whether the check behind a rule looks at the spec alone, so that only an edit of the spec helps. */
export const isOfTheSpec = (rule: RuleName): boolean => rulesOfTheSpec.has(rule)

/**
 * Failures that only say that a binding was written for a later version of the former operator, which knows neither mode
 * nor objective. For such a failure the outputs of the former operator are kept.
 */
export const keepsFormerOutputs = (rule: RuleName): boolean => isOfTheSpec(rule) && rule !== 'invalidPoolRef'
