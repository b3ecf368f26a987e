import {
  clusterChoice,
  decodeOverrides,
  decodeSettings,
  operatorNamespace,
  type ClusterChoice,
} from '../config.ts'
import { configurableReasons } from '../core/findings.ts'
import { show } from '../core/show.ts'
import { clusterFlags, identityFlags, webhookActionFlag } from '../flags/operator.ts'
import { describeFlags, readFlags, type Environment, type Flags, type Reading } from '../flags/read.ts'
import { decoderOf, duration, namespace, type Decoder } from '../flags/values.ts'
import type { InspectOptions } from './inspect.ts'
import { format, outputFlag, type ParsedOptions } from './options.ts'
import type { StatusOptions } from './status.ts'

/** Of both commands. */
const lookFlags = {
  'operator-namespace': {
    placeholder: 'NAMESPACE',
    help: `Where the operator is. Otherwise that of its Deployment, else ${operatorNamespace}.`,
  },
  output: outputFlag('The form of the report.'),
  strict: { help: 'Warnings count: exit with 2 where there is one.' },
  timeout: {
    placeholder: 'DURATION',
    help: 'For everything together, such as 10s or 1m30s.',
    default: '30s',
  },
  ...clusterFlags,
} as const satisfies Flags

const statusFlags = {
  namespace: {
    short: 'n',
    placeholder: 'NAMESPACE',
    help: 'Only what is in this one. Otherwise in all; where one may not see all, in that of the context.',
  },
  'all-namespaces': { short: 'A', help: 'In all namespaces, or not at all.' },
  watch: { short: 'w', help: 'Go on, and print anew what changes.' },
  ...lookFlags,
} as const satisfies Flags

const statusHelp = `Says how the operator and the InferenceIdentityBindings of a cluster are, as it and their statuses have it, and what SPIRE
Controller Manager made of their ClusterSPIFFEIDs.

Usage: kleym status [flags]

${describeFlags(statusFlags)}
Exits with 0 if all is well, 2 if a binding is not Ready, gets no entries or can't be deleted, a kind is not installed, or the
operator is dead or touches nothing, 4 for mistakes of usage, connection or permissions.
`

export function statusOptions(argv: readonly string[], env: Environment): ParsedOptions<StatusOptions> {
  const reading = readFlags(argv, env, statusFlags)
  if (reading.help) return { kind: 'help', text: statusHelp }
  const decoder = decoderOf(reading)
  const options: StatusOptions = {
    ...lookOptions(decoder, reading),
    all: reading.isOn('all-namespaces'),
    watch: reading.isOn('watch'),
  }
  const cluster = clusterOf(decoder, reading)
  const problems = [
    ...reading.problems,
    ...reading.positionals.map((text) => `unexpected argument ${show(text)}; name a namespace with -n`),
    ...(options.all && options.namespace !== undefined ? ['-A and -n: one or the other'] : []),
    ...decoder.problems,
  ]
  return problems.length > 0 ? { kind: 'usage', problems } : { kind: 'options', options, cluster }
}

type LookFlag = keyof typeof lookFlags | 'namespace'

const lookOptions = (decoder: Decoder<LookFlag>, reading: Reading<LookFlag>) => ({
  namespace: decoder.decode('namespace', namespace, undefined),
  operatorNamespace: decoder.decode('operator-namespace', namespace, undefined),
  format: decoder.decode('output', format, 'text'),
  strict: reading.isOn('strict'),
})

const clusterOf = (decoder: Decoder<LookFlag>, reading: Reading<LookFlag>): ClusterChoice => ({
  ...clusterChoice(reading),
  timeoutMs: decoder.decode('timeout', duration, 30_000),
})

const inspectFlags = {
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
not, 3 if there is no such binding, 4 for mistakes of usage, connection or permissions. What may not be read is said.
`

export function inspectOptions(argv: readonly string[], env: Environment): ParsedOptions<InspectOptions> {
  const reading = readFlags(argv, env, inspectFlags)
  if (reading.help) return { kind: 'help', text: inspectHelp }
  const decoder = decoderOf(reading)
  const [kind, name = '', ...rest] = reading.positionals
  const { trustDomain, className } = decodeSettings(decoder)
  const settings = {
    ...(reading.isGiven('trust-domain') && { trustDomain }),
    ...(reading.isGiven('clusterspiffeid-class-name') && { className }),
  }
  const options: InspectOptions = {
    name,
    settings,
    actions: decodeOverrides(decoder, configurableReasons),
    ...lookOptions(decoder, reading),
  }
  const cluster = clusterOf(decoder, reading)
  const problems = [
    ...reading.problems,
    ...(kind === 'binding' ? [] : [`${show(kind)} can't be inspected; write kleym inspect binding NAME`]),
    ...(kind === 'binding' && name === '' ? ['no binding is named; write kleym inspect binding NAME'] : []),
    ...rest.map((text) => `unexpected argument ${show(text)}; one binding at a time`),
    ...decoder.problems,
  ]
  return problems.length > 0 ? { kind: 'usage', problems } : { kind: 'options', options, cluster }
}
