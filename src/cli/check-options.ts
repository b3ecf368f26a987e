import {
  clusterChoice,
  decodeActions,
  decodeSettings,
  operatorNamespace,
  trustDomainMissing,
} from '../config.ts'
import { configurableReasons } from '../core/findings.ts'
import { clusterSpiffeIdResource, gvk, optionalResources, type Resource } from '../core/resources.ts'
import { show } from '../core/show.ts'
import { clusterFlags, identityFlags, verdictFlags } from '../flags/operator.ts'
import { describeFlags, readFlags, type Environment, type Flags, type CommandLine } from '../flags/read.ts'
import { commaSeparated, decoderOf, namespace, type Decoder, type Parsed } from '../flags/values.ts'
import type { CheckOptions, ExamineOptions } from './check.ts'
import { reportFormats, type ReportFormat } from './formats.ts'
import type { ParsedOptions } from './options.ts'

/** Flags of the commands that judge manifests. */
export const examineFlags = {
  filename: {
    short: 'f',
    placeholder: 'FILE|DIR|-',
    help: 'Manifests to check: bindings, pools and objectives, YAML or JSON. May be repeated.',
  },
  recursive: { short: 'R', help: 'Read the folders of a folder, too.', default: 'false' },
  crds: {
    placeholder: 'FILE|DIR',
    help: 'CustomResourceDefinitions whose schemas count instead of those that are known here. May be repeated.',
  },
  ...identityFlags,
  'trust-domain': {
    ...identityFlags['trust-domain'],
    help: `${identityFlags['trust-domain'].help} With --live, that of the operator unless given.`,
  },
  namespace: {
    short: 'n',
    placeholder: 'NAMESPACE',
    help: 'The namespace of what names none; the only one that an audit is about.',
    default: 'default',
  },
  served: {
    placeholder: 'GROUP/VERSION/KIND,…',
    help: 'The only kinds that count as served; may be repeated. Otherwise all of them, or what the cluster serves.',
  },
  ...verdictFlags,
  live: {
    help: 'Add what the current cluster holds, its pods too, read only, and judge as its operator is configured. Without -f: audit it.',
    default: 'false',
  },
  'operator-namespace': {
    placeholder: 'NAMESPACE',
    help: 'Where the operator is, with --live.',
    default: operatorNamespace,
  },
  ...clusterFlags,
} as const satisfies Flags

export const checkFlags = {
  output: {
    short: 'o',
    placeholder: reportFormats.join('|'),
    help: 'The form of the verdicts; yaml is the ClusterSPIFFEIDs alone, denials go to standard error. github is for annotations in a workflow.',
    default: 'text',
  },
  strict: { help: 'Count warnings as failures.', default: 'false' },
  ...examineFlags,
} as const satisfies Flags

const checkHelp = `Gives the verdict of the API server and of the admission webhook on manifests, without a cluster.

Usage: kleym check -f FILE --trust-domain DOMAIN [flags]
       kleym check --live [flags]

${describeFlags(checkFlags)}
Exits with 0 if nothing is denied, 2 if something is (with --strict, if there is a warning), 4 for mistakes of usage, files or
connection, 5 if the report could not be written.
`

export function checkOptions(argv: readonly string[], env: Environment): ParsedOptions<CheckOptions> {
  const line = readFlags(argv, env, checkFlags)
  if (line.help) return { kind: 'help', text: checkHelp }
  const decoder = decoderOf(line)
  const examined = examineOptions(decoder, line, line.isOn('live'))
  const options: CheckOptions = {
    ...examined,
    format: decoder.decode('output', reportFormat, 'text'),
    strict: line.isOn('strict'),
  }
  const problems = [
    ...line.problems,
    ...inputProblems(examined, line),
    ...(line.isGiven('filename') || examined.live
      ? []
      : ['no manifests; name them with -f, or audit the cluster with --live']),
    ...decoder.problems,
  ]
  if (problems.length > 0) return { kind: 'usage', problems }
  return { kind: 'options', options, cluster: clusterChoice(line) }
}

type ExamineFlag = keyof typeof examineFlags

/** What there is to judge, and by what. */
export function examineOptions(
  decoder: Decoder<ExamineFlag>,
  line: CommandLine<ExamineFlag>,
  live: boolean,
): ExamineOptions {
  const own = decoder.decode('namespace', namespace, undefined) ?? 'default'
  return {
    asked: {
      settings: decodeSettings(decoder),
      actions: decodeActions(decoder, configurableReasons),
      isGiven: {
        trustDomain: line.isGiven('trust-domain'),
        className: line.isGiven('clusterspiffeid-class-name'),
        onReferences: line.isGiven('webhook-on-references'),
        onLoss: line.isGiven('webhook-on-loss'),
      },
    },
    files: line.all('filename').map(({ value }) => value),
    recursive: line.isOn('recursive'),
    crds: line.all('crds').map(({ value }) => value),
    live,
    namespace: own,
    auditNamespace: line.isGiven('namespace') ? own : undefined,
    operatorNamespace: decoder.decode('operator-namespace', namespace, undefined) ?? operatorNamespace,
    served: line.isGiven('served') ? decoder.decodeAll('served', servedKinds).flat() : undefined,
  }
}

export const inputProblems = (
  { live }: ExamineOptions,
  line: CommandLine<ExamineFlag>,
): readonly string[] => [
  ...line.positionals.map((text) => `unexpected argument ${show(text)}; name files with -f`),
  ...(live || line.isGiven('trust-domain') ? [] : [trustDomainMissing]),
]

function reportFormat(text: string): Parsed<ReportFormat> {
  const found = reportFormats.find((known) => known === text)
  return found
    ? { kind: 'value', value: found }
    : { kind: 'problem', problem: `write one of ${reportFormats.join(', ')}` }
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

/** Reads `GROUP/VERSION/KIND`; `csid` is short for ClusterSPIFFEID's. Undefined for a kind unknown here. */
const servedResource = (text: string): Resource | undefined =>
  text === 'csid' ? clusterSpiffeIdResource : optionalResources.find((resource) => gvk(resource) === text)
