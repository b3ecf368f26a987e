import { rules, type RuleName } from '../../src/core/findings.ts'

export const ruleNames = Object.keys(rules).filter((name): name is RuleName => Object.hasOwn(rules, name))

/** Checks 1, 4, 5 and 10 to 13, written down once more: they judge the spec alone, so an edit of it is all that helps. */
export const rulesOfTheSpec: ReadonlySet<RuleName> = new Set([
  'invalidPoolRef',
  'invalidObjectiveRef',
  'missingObjectiveRef',
  'unsupportedMode',
  'invalidServiceAccountName',
  'invalidContainerName',
  'unexpectedContainerName',
])
