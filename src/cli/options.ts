import type { ClusterChoice } from '../config.ts'
import type { Parsed } from '../flags/values.ts'
import { formats, type Format } from './formats.ts'

/** What a command line asks for, and of which cluster; or all that is wrong with it; or help. */
export type ParsedOptions<Options> =
  | { readonly kind: 'options'; readonly options: Options; readonly cluster: ClusterChoice }
  | { readonly kind: 'usage'; readonly problems: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }

/** `-o`, of every command that prints; `help` says what the forms are. */
export const outputFlag = (help: string) =>
  ({ short: 'o', placeholder: formats.join('|'), help, default: 'text' }) as const

export function format(text: string): Parsed<Format> {
  const found = formats.find((known) => known === text)
  return found
    ? { kind: 'value', value: found }
    : { kind: 'problem', problem: `write one of ${formats.join(', ')}` }
}
