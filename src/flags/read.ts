/**
 * Command lines by the conventions of Go's flag package, which users of the former operator have in their
 * manifests. node:util's parseArgs is not used, because it takes `-flag` for a group of one-letter flags and refuses
 * `--flag=false`.
 */
import { nearest } from '../core/nearest.ts'
import { show } from '../core/show.ts'

export type Flag = {
  /** The placeholder for the value in the help. A flag without a placeholder is a switch, true or false. */
  readonly placeholder?: string
  readonly help: string
  /** Parsed like a value on the command line. */
  readonly default?: string
  /** One letter. */
  readonly short?: string
  /** Other names that mean the same. */
  readonly aliases?: readonly string[]
  /** The environment variable that is used if the flag is absent. It counts even if it is empty. */
  readonly env?: string
  /** A flag of another program that has no meaning here: it is accepted with a warning. */
  readonly ignored?: true
}

export type Flags<Name extends string = string> = Readonly<Record<Name, Flag>>

export type Environment = Readonly<Record<string, string | undefined>>

/** A value and where it is from, for messages: the flag as it was written, or the environment variable. */
export type GivenValue = { readonly from: string; readonly value: string }

export type CommandLine<Name extends string> = {
  /** `-h`, `-help` or `--help` is among the arguments. */
  readonly help: boolean
  readonly positionals: readonly string[]
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  /** The flag (the last one wins), else its environment variable, else its default. */
  readonly last: (name: Name) => GivenValue | undefined
  /** Every value of a flag that may be repeated, in order. */
  readonly all: (name: Name) => readonly GivenValue[]
  readonly isOn: (name: Name) => boolean
  /** Whether it was given, as a flag, if only without its value, or in the environment. */
  readonly isGiven: (name: Name) => boolean
}

/** Reads all of `argv`; never throws. Unknown flags that begin with `ignoredPrefix` are accepted with a warning. */
export function readFlags<Name extends string>(
  argv: readonly string[],
  env: Environment,
  flags: Flags<Name>,
  ignoredPrefix?: string,
): CommandLine<Name> {
  const items = [...scan(argv, indexed(flags), ignoredPrefix)]
  const texts = (kind: 'positional' | 'problem' | 'warning'): readonly string[] =>
    items.flatMap((item) => (item.kind === kind ? [item.text] : []))
  const all = (name: Name): readonly GivenValue[] =>
    items.flatMap((item) => (item.kind === 'given' && item.name === name ? [item.given] : []))

  const fromEnv = (name: Name): GivenValue | undefined => {
    const variable = flags[name].env
    const value = variable === undefined ? undefined : env[variable]
    return variable === undefined || value === undefined ? undefined : { from: variable, value }
  }
  const explicit = (name: Name): GivenValue | undefined => all(name).at(-1) ?? fromEnv(name)
  const last = (name: Name): GivenValue | undefined => {
    const value = flags[name].default
    return explicit(name) ?? (value === undefined ? undefined : { from: `--${name}`, value })
  }
  return {
    help: items.some((item) => item.kind === 'help'),
    positionals: texts('positional'),
    problems: texts('problem'),
    warnings: texts('warning'),
    last,
    all,
    isOn: (name) => last(name)?.value === 'true',
    isGiven: (name) =>
      explicit(name) !== undefined || items.some((item) => item.kind === 'problem' && item.name === name),
  }
}

type Item =
  | { readonly kind: 'given'; readonly name: string; readonly given: GivenValue }
  | { readonly kind: 'positional' | 'problem' | 'warning'; readonly text: string; readonly name?: string }
  | { readonly kind: 'help' }

/** A flag as it was written: `-name`, `--name`, `--name=inline`. */
type Token = { readonly written: string; readonly name: string; readonly inline: string | undefined }

type Index = ReadonlyMap<string, { readonly name: string; readonly flag: Flag }>

function indexed(flags: Flags): Index {
  return new Map(
    Object.entries(flags).flatMap(([name, flag]) =>
      [name, ...(flag.short === undefined ? [] : [flag.short]), ...(flag.aliases ?? [])].map(
        (alias) => [alias, { name, flag }] as const,
      ),
    ),
  )
}

function* scan(argv: readonly string[], known: Index, ignoredPrefix: string | undefined): Generator<Item> {
  const rest = argv.toReversed()
  for (let arg = rest.pop(); arg !== undefined; arg = rest.pop()) {
    const token = tokenOf(arg)
    if (arg === '--') {
      yield* rest.toReversed().map((text) => ({ kind: 'positional', text }) as const)
      return
    } else if (token !== undefined) {
      yield* known.has(token.name)
        ? knownFlag(token, rest, known)
        : otherFlag(token, rest, known, ignoredPrefix)
    } else if (arg.startsWith('-') && arg !== '-') {
      yield { kind: 'problem', text: `${show(arg)} is not a flag; write --FLAG=VALUE` }
    } else {
      yield { kind: 'positional', text: arg }
    }
  }
}

function tokenOf(arg: string): Token | undefined {
  const match = /^(--?([^-=][^=]*))(?:=(.*))?$/s.exec(arg)
  const [, written, name, inline] = match ?? []
  return written === undefined || name === undefined ? undefined : { written, name, inline }
}

function* knownFlag(token: Token, rest: string[], known: Index): Generator<Item> {
  const found = known.get(token.name)
  if (found === undefined) return
  const { name, flag } = found
  const { written, inline } = token
  if (flag.ignored) yield { kind: 'warning', text: `${written} does nothing here; leave it out` }
  if (flag.placeholder === undefined) {
    const value = inline === undefined ? true : parseBool(inline)
    yield value === undefined
      ? {
          kind: 'problem',
          text: `${written} ${show(inline)}: a switch; write ${written}=true or ${written}=false`,
        }
      : { kind: 'given', name, given: { from: written, value: String(value) } }
    return
  }
  // Go would take a flag that follows for the value, which `--trust-domain --leader-elect` never means.
  const value = inline ?? (isFlag(rest.at(-1), known) ? undefined : rest.pop())
  const text = `${written}: its value is missing; write ${written}=${flag.placeholder}`
  yield value === undefined
    ? { kind: 'problem', name, text }
    : { kind: 'given', name, given: { from: written, value } }
}

const isFlag = (arg: string | undefined, known: Index): boolean =>
  arg !== undefined && known.has(tokenOf(arg)?.name ?? '')

function* otherFlag(token: Token, rest: string[], known: Index, ignoredPrefix?: string): Generator<Item> {
  const { written, name, inline } = token
  if (name === 'h' || name === 'help') {
    if (inline === undefined || parseBool(inline) !== false) yield { kind: 'help' }
    return
  }
  yield ignoredPrefix !== undefined && name.startsWith(ignoredPrefix)
    ? { kind: 'warning', text: `${written} does nothing here; leave it out` }
    : { kind: 'problem', text: `${written}: unknown flag${suggestion(token, known)}` }
  // The next argument is most likely the value of the unknown flag. A second complaint about it would only hide the
  // cause.
  if (inline === undefined && rest.at(-1)?.startsWith('-') === false) rest.pop()
}

function suggestion({ written, name }: Token, known: Index): string {
  const near = nearest(name, [...known.keys()])
  if (near !== undefined) return `; did you mean ${near.length === 1 ? '-' : '--'}${near}?`
  const short = known.get(name.slice(0, 1))
  return short?.flag.placeholder !== undefined && !written.startsWith('--')
    ? `; did you mean -${name.slice(0, 1)} ${name.slice(1)}?`
    : '; see --help'
}

/** A boolean as Go's strconv.ParseBool reads it. */
function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined
}

/** The help of all flags, in the order of the table. */
export function describeFlags(flags: Flags): string {
  return Object.entries(flags)
    .filter(([, flag]) => !flag.ignored)
    .map(([name, flag]) => {
      const short = flag.short === undefined ? '' : `-${flag.short}, `
      const also = [
        ...(flag.aliases ?? []).map((alias) => `--${alias}`),
        ...(flag.env === undefined ? [] : [flag.env]),
      ]
      const heading = `  ${short}--${name}${flag.placeholder === undefined ? '' : ` ${flag.placeholder}`}`
      const fallback = flag.default === undefined ? '' : ` (default ${flag.default})`
      return `${heading}${also.length === 0 ? '' : ` (or ${also.join(', ')})`}\n        ${flag.help}${fallback}\n`
    })
    .join('')
}
