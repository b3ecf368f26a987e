import { operatorFlags } from '../../flags/operator.ts'
import type { Flags } from '../../flags/read.ts'
import { checkFlags } from '../check-options.ts'
import { summaries, type CommandName } from '../commands.ts'
import { inspectFlags } from '../inspect-options.ts'
import { pageFlags } from '../page-options.ts'
import { statusFlags } from '../status-options.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

const flags: { readonly [name in CommandName]: Flags } = {
  operator: operatorFlags,
  check: checkFlags,
  status: statusFlags,
  inspect: inspectFlags,
  report: pageFlags,
  completion: {},
  version: {},
}

/** What can stand after a command, before any flag. */
const words: { readonly [name in CommandName]?: readonly string[] } = {
  inspect: ['binding'],
  completion: shells,
}

/** What the value of a flag is: one of a few words, a path, or anything. */
export type Value =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'path' }
  | { readonly kind: 'any' }

export type Option = {
  readonly name: string
  readonly short: string | undefined
  readonly help: string
  /** Undefined for a switch, which takes no value. */
  readonly value: Value | undefined
}

export type Command = {
  readonly name: string
  readonly summary: string
  readonly words: readonly string[]
  readonly options: readonly Option[]
}

const help: Option = { name: 'help', short: 'h', help: 'List the flags.', value: undefined }

/** All that shells complete: the tables from which `--help` is made. */
export const commandsOf = (): readonly Command[] =>
  Object.entries(summaries).map(([name, summary]) => {
    const known = isCommand(name) ? { table: flags[name], words: words[name] } : undefined
    const options = [...optionsOf(known?.table ?? {}), help]
    return { name, summary, words: known?.words ?? [], options }
  })

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(summaries, name)
}

const optionsOf = (table: Flags): readonly Option[] =>
  Object.entries(table)
    .filter(([, flag]) => !flag.ignored)
    .map(([name, { short, help: text, placeholder }]) => ({
      name,
      short,
      // Shells show a line.
      help: text.split(/(?<=\.) /, 1)[0] ?? text,
      value: placeholder === undefined ? undefined : valueOf(placeholder),
    }))

/** The kind of a value, by its placeholder in `--help`: `a|b`, something with a file, or a name. */
function valueOf(placeholder: string): Value {
  if (/^[a-z]+(?:\|[a-z]+)*$/.test(placeholder)) return { kind: 'words', words: placeholder.split('|') }
  return /\b(?:FILE|DIR|DIRECTORY)\b/.test(placeholder) ? { kind: 'path' } : { kind: 'any' }
}
