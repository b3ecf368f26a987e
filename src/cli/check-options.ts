import { clusterChoice, decodeActions, decodeSettings, trustDomainMissing } from '../config.ts'
import { commaSeparated, decoderOf, namespace, type Parsed } from '../flags/values.ts'
import { describeFlags, readFlags, type Environment, type Flags } from '../flags/read.ts'
import { configurableReasons } from '../core/findings.ts'
import { gvk, optionalResources, type Resource } from '../core/resources.ts'
import { show } from '../core/show.ts'
import { clusterFlags, identityFlags, verdictFlags } from '../flags/operator.ts'
import { servedResource, type CheckOptions } from './check.ts'
import { format, outputFlag, type ParsedOptions } from './options.ts'

const flags = {
  filename: {
    short: 'f',
    placeholder: 'FILE|DIR|-',
    help: 'Manifests to check: bindings, pools and objectives, YAML or JSON. May be repeated.',
  },
  ...identityFlags,
  namespace: {
    short: 'n',
    placeholder: 'NAMESPACE',
    help: 'The namespace of what names none.',
    default: 'default',
  },
  output: outputFlag(
    'The form of the verdicts; yaml is the ClusterSPIFFEIDs alone, denials go to standard error.',
  ),
  served: {
    placeholder: 'GROUP/VERSION/KIND,…',
    help: 'The only kinds that count as served; may be repeated. Otherwise all of them, or what the cluster serves.',
  },
  ...verdictFlags,
  live: { help: 'Add what the current cluster holds, read only. Without -f: audit it.', default: 'false' },
  ...clusterFlags,
} as const satisfies Flags

const checkHelp = `Gives the verdict of the admission webhook on manifests, without a cluster.

Usage: kleym check -f FILE --trust-domain DOMAIN [flags]
       kleym check --live --trust-domain DOMAIN [flags]

${describeFlags(flags)}
Exits with 0 if nothing is denied, 2 if something is, 4 for mistakes of usage, files or connection.
`

export function checkOptions(argv: readonly string[], env: Environment): ParsedOptions<CheckOptions> {
  const reading = readFlags(argv, env, flags)
  if (reading.help) return { kind: 'help', text: checkHelp }
  const decoder = decoderOf(reading)
  const files = reading.all('filename').map(({ value }) => value)
  const live = reading.isOn('live')
  const options: CheckOptions = {
    settings: decodeSettings(decoder),
    files,
    live,
    namespace: decoder.decode('namespace', namespace, undefined) ?? 'default',
    format: decoder.decode('output', format, 'text'),
    served: reading.isGiven('served') ? decoder.decodeAll('served', servedKinds).flat() : undefined,
    actions: decodeActions(decoder, configurableReasons),
  }
  const problems = [
    ...reading.problems,
    ...reading.positionals.map((text) => `unexpected argument ${show(text)}; name files with -f`),
    ...(reading.isGiven('trust-domain') ? [] : [trustDomainMissing]),
    ...(files.length > 0 || live
      ? []
      : ['no manifests; name them with -f, or audit the cluster with --live']),
    ...decoder.problems,
  ]
  if (problems.length > 0) return { kind: 'usage', problems }
  return { kind: 'options', options, cluster: clusterChoice(reading) }
}

function servedKinds(text: string): Parsed<readonly Resource[]> {
  const items = commaSeparated(text)
  if (items.kind === 'problem') return items
  const unknown = items.value.find((item) => !servedResource(item))
  if (unknown !== undefined)
    return {
      kind: 'problem',
      problem: `${show(unknown)} is no kind that counts; write some of ${optionalResources.map(gvk).join(', ')}`,
    }
  return { kind: 'value', value: items.value.flatMap((item) => servedResource(item) ?? []) }
}
