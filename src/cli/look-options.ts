import { clusterChoice, operatorNamespace, type ClusterChoice } from '../config.ts'
import { clusterFlags } from '../flags/operator.ts'
import type { Flags, CommandLine } from '../flags/read.ts'
import { duration, namespace, type Decoder } from '../flags/values.ts'
import { format, outputFlag } from './options.ts'

/** Flags of the commands that look at a cluster. */
export const lookFlags = {
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

type LookFlag = keyof typeof lookFlags | 'namespace'

export const lookOptions = (decoder: Decoder<LookFlag>, line: CommandLine<LookFlag>) => ({
  namespace: decoder.decode('namespace', namespace, undefined),
  operatorNamespace: decoder.decode('operator-namespace', namespace, undefined),
  format: decoder.decode('output', format, 'text'),
  strict: line.isOn('strict'),
})

export const clusterOf = (decoder: Decoder<LookFlag>, line: CommandLine<LookFlag>): ClusterChoice => ({
  ...clusterChoice(line),
  timeoutMs: decoder.decode('timeout', duration, 30_000),
})
