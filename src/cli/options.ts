import type { ClusterChoice } from '../config.ts'
import type { Parsed } from '../flags/values.ts'
import { formats, type Format } from './formats.ts'

/** A parsed command line: options and the cluster; or all its problems; or a request for help. */
export type ParsedOptions<Options> =
  | { readonly kind: 'options'; readonly options: Options; readonly cluster: ClusterChoice }
  | { readonly kind: 'usage'; readonly problems: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }

/** The flag `-o` of every command that prints; `help` names the forms. */
export const outputFlag = (help: string) =>
  ({ short: 'o', placeholder: formats.join('|'), help, default: 'text' }) as const

export function format(text: string): Parsed<Format> {
  const found = formats.find((known) => known === text)
  return found
    ? { kind: 'value', value: found }
    : { kind: 'problem', problem: `write one of ${formats.join(', ')}` }
}
