import { decodeOverrides, decodeSettings } from '../config.ts'
import { configurableReasons } from '../core/findings.ts'
import { show } from '../core/show.ts'
import { identityFlags, webhookActionFlag } from '../flags/operator.ts'
import { describeFlags, readFlags, type Environment, type Flags } from '../flags/read.ts'
import { decoderOf } from '../flags/values.ts'
import type { InspectOptions } from './inspect.ts'
import { clusterOf, lookFlags, lookOptions } from './look-options.ts'
import type { ParsedOptions } from './options.ts'

export const inspectFlags = {
  namespace: {
    short: 'n',
    placeholder: 'NAMESPACE',
    help: 'Where the binding is. Otherwise that of the context, else default.',
  },
  ...lookFlags,
  ...identityFlags,
  'trust-domain': {
    ...identityFlags['trust-domain'],
    help: 'The SPIFFE trust domain of the identities. Otherwise what the status of the binding says.',
  },
  'clusterspiffeid-class-name': {
    ...identityFlags['clusterspiffeid-class-name'],
    help: 'The className of each ClusterSPIFFEID; empty means none. Otherwise what the status says.',
  },
  ...webhookActionFlag,
} as const satisfies Flags

const inspectHelp = `Says whether workloads get an identity by a binding and, if not, why and what to do about it: first in a line, then with all
that it rests on: the objects it refers to, the identity, its ClusterSPIFFEID, what SPIRE Controller Manager made of that, and the
pods.

Usage: kleym inspect binding NAME [flags]

${describeFlags(inspectFlags)}
Exits with 0 if it is Ready, its ClusterSPIFFEID is as it should be and processed, and a pod fits where there are any; 2 if
not, 3 if there is no such binding, 4 for mistakes of usage, connection or permissions, 5 if the report could not be written.
What may not be read is said.
`

export function inspectOptions(argv: readonly string[], env: Environment): ParsedOptions<InspectOptions> {
  const line = readFlags(argv, env, inspectFlags)
  if (line.help) return { kind: 'help', text: inspectHelp }
  const decoder = decoderOf(line)
  const [kind, name = '', ...rest] = line.positionals
  const { trustDomain, className } = decodeSettings(decoder)
  const settings = {
    ...(line.isGiven('trust-domain') && { trustDomain }),
    ...(line.isGiven('clusterspiffeid-class-name') && { className }),
  }
  const options: InspectOptions = {
    name,
    settings,
    actions: decodeOverrides(decoder, configurableReasons),
    ...lookOptions(decoder, line),
  }
  const cluster = clusterOf(decoder, line)
  const problems = [
    ...line.problems,
    ...(kind === 'binding' ? [] : [`${show(kind)} can't be inspected; write kleym inspect binding NAME`]),
    ...(kind === 'binding' && name === '' ? ['no binding is named; write kleym inspect binding NAME'] : []),
    ...rest.map((text) => `unexpected argument ${show(text)}; one binding at a time`),
    ...decoder.problems,
  ]
  return problems.length > 0 ? { kind: 'usage', problems } : { kind: 'options', options, cluster }
}
