import type { JsonObject } from '../../core/json.ts'
import type { Checked } from '../assess.ts'
import { countsLine, countsOf } from '../check-messages.ts'
import type { ReportFormat } from '../formats.ts'
import { githubOf } from './github.ts'
import { jsonReport } from './json.ts'
import { junitOf } from './junit.ts'
import { sarifOf } from './sarif.ts'
import { textOf } from './text.ts'
import { yamlOf } from './yaml.ts'

export type CheckReport = {
  readonly all: readonly Checked[]
  /** Whether warnings count as failures. */
  readonly strict: boolean
  /** The operator's state; undefined if it was not asked for. */
  readonly operator: JsonObject | undefined
  /** Lines that follow the verdicts, for people. */
  readonly remarks: () => readonly string[]
}

export function checkReportOf({ all, strict, operator, remarks }: CheckReport, format: ReportFormat): string {
  const counts = `${countsLine(countsOf(all))}\n`
  switch (format) {
    case 'text':
      return (
        textOf(all) +
        remarks()
          .map((line) => `${line}\n`)
          .join('') +
        counts
      )
    case 'json':
      return jsonReport(all, operator)
    case 'yaml':
      return yamlOf(all)
    case 'github':
      return githubOf(all) + counts
    case 'sarif':
      return sarifOf(all)
    case 'junit':
      return junitOf(all, strict)
  }
}
