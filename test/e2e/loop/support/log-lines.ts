import { recordOf, type Json } from '../../../support/embedded/json.ts'

/** What the operator has logged, line by line, at info or above: the tests run it at that level. */
export const logLines = (log: string): readonly Json[] =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => recordOf(JSON.parse(line)))
