import type { Report } from './report.ts'

export type Options = {
  /** Small enough to see whether a benchmark works; its figures mean little. */
  readonly quick: boolean
  /** Ten times as many bindings, where a benchmark can: it takes some gigabytes. */
  readonly large: boolean
  /** Print where the operator's time went. */
  readonly profile: boolean
  /** The program of another build, whose figures are the floor of ours where a benchmark can. */
  readonly beside: string | undefined
}

export type Benchmark = (report: Report, options: Options) => Promise<void>
