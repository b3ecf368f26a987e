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
 * Failures that only say that a binding was stored by the schema of a later version of the former operator, which knows neither
 * mode nor objective. For such a failure outputs are kept, unless somebody edited the spec.
 */
export const isOfForeignSchema = (rule: RuleName): boolean => isOfTheSpec(rule) && rule !== 'invalidPoolRef'
