import { clusterChoice, decodeOverrides, decodeSettings, operatorNamespace } from '../config.ts'
import { configurableReasons } from '../core/findings.ts'
import { show } from '../core/show.ts'
import { clusterFlags, identityFlags, webhookActionFlag } from '../flags/operator.ts'
import { describeFlags, readFlags, type Environment, type Flags } from '../flags/read.ts'
import { decoderOf, namespace } from '../flags/values.ts'
import type { InspectOptions } from './inspect.ts'
import { format, outputFlag, type ParsedOptions } from './options.ts'
import type { StatusOptions } from './status.ts'

const statusFlags = {
  namespace: { short: 'n', placeholder: 'NAMESPACE', help: 'Only what is in this one. Otherwise in all.' },
  'operator-namespace': {
    placeholder: 'NAMESPACE',
    help: 'Where the operator is.',
    default: operatorNamespace,
  },
  output: outputFlag('The form of the report.'),
  ...clusterFlags,
} as const satisfies Flags

const statusHelp = `Says how the operator and the InferenceIdentityBindings of a cluster are, as it and their statuses have it.

Usage: kleym status [flags]

${describeFlags(statusFlags)}
Exits with 0 if all is well, 2 if a binding is not Ready or can't be deleted, or the operator is dead or touches nothing, 3
if the kind is not installed, 4 for mistakes of usage, connection or permissions.
`

export function statusOptions(argv: readonly string[], env: Environment): ParsedOptions<StatusOptions> {
  const reading = readFlags(argv, env, statusFlags)
  if (reading.help) return { kind: 'help', text: statusHelp }
  const decoder = decoderOf(reading)
  const options: StatusOptions = {
    namespace: decoder.decode('namespace', namespace, undefined),
    operatorNamespace: decoder.decode('operator-namespace', namespace, undefined) ?? operatorNamespace,
    format: decoder.decode('output', format, 'text'),
  }
  const problems = [
    ...reading.problems,
    ...reading.positionals.map((text) => `unexpected argument ${show(text)}; name a namespace with -n`),
    ...decoder.problems,
  ]
  return problems.length > 0
    ? { kind: 'usage', problems }
    : { kind: 'options', options, cluster: clusterChoice(reading) }
}

const inspectFlags = {
  namespace: {
    short: 'n',
    placeholder: 'NAMESPACE',
    help: 'Where the binding is.',
    default: 'default',
  },
  output: outputFlag('The form of the report.'),
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
  ...clusterFlags,
} as const satisfies Flags

const inspectHelp = `Says what a binding refers to, what it gives to whom, what is wrong with it, what the cluster has of it and what SPIRE
Controller Manager made of that, and which pods get it.

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
    namespace: decoder.decode('namespace', namespace, undefined) ?? 'default',
    format: decoder.decode('output', format, 'text'),
  }
  const problems = [
    ...reading.problems,
    ...(kind === 'binding' ? [] : [`${show(kind)} can't be inspected; write kleym inspect binding NAME`]),
    ...(kind === 'binding' && name === '' ? ['no binding is named; write kleym inspect binding NAME'] : []),
    ...rest.map((text) => `unexpected argument ${show(text)}; one binding at a time`),
    ...decoder.problems,
  ]
  return problems.length > 0
    ? { kind: 'usage', problems }
    : { kind: 'options', options, cluster: clusterChoice(reading) }
}
