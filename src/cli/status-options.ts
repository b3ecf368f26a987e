import { show } from '../core/show.ts'
import { describeFlags, readFlags, type Environment, type Flags } from '../flags/read.ts'
import { decoderOf } from '../flags/values.ts'
import { clusterOf, lookFlags, lookOptions } from './look-options.ts'
import type { ParsedOptions } from './options.ts'
import type { StatusOptions } from './status.ts'

export const statusFlags = {
  namespace: {
    short: 'n',
    placeholder: 'NAMESPACE',
    help: 'Only what is in this one. Otherwise in all; where one may not see all, in that of the context.',
  },
  'all-namespaces': { short: 'A', help: 'All namespaces; fails where you may not list them.' },
  watch: { short: 'w', help: 'Go on until it is interrupted, and print what changes.' },
  ...lookFlags,
} as const satisfies Flags

const statusHelp = `Says how the operator and the InferenceIdentityBindings of a cluster are, as it and their statuses have it, and what SPIRE
Controller Manager made of their ClusterSPIFFEIDs.

Usage: kleym status [flags]

${describeFlags(statusFlags)}
Exits with 0 if all is well, 2 if a binding is not Ready, gets no entries or can't be deleted, a kind is not installed, or the
operator is dead or touches nothing, 4 for mistakes of usage, connection or permissions, 5 if the report could not be written.
`

export function statusOptions(argv: readonly string[], env: Environment): ParsedOptions<StatusOptions> {
  const line = readFlags(argv, env, statusFlags)
  if (line.help) return { kind: 'help', text: statusHelp }
  const decoder = decoderOf(line)
  const options: StatusOptions = {
    ...lookOptions(decoder, line),
    all: line.isOn('all-namespaces'),
    watch: line.isOn('watch'),
  }
  const cluster = clusterOf(decoder, line)
  const problems = [
    ...line.problems,
    ...line.positionals.map((text) => `unexpected argument ${show(text)}; name a namespace with -n`),
    ...(options.all && options.namespace !== undefined ? ['-A and -n: one or the other'] : []),
    ...decoder.problems,
  ]
  return problems.length > 0 ? { kind: 'usage', problems } : { kind: 'options', options, cluster }
}
