import { clusterChoice } from '../config.ts'
import { describeFlags, readFlags, type Environment, type Flags } from '../flags/read.ts'
import { decoderOf, type Parsed } from '../flags/values.ts'
import { examineFlags, examineOptions, inputProblems } from './check-options.ts'
import type { ParsedOptions } from './options.ts'
import type { PageOptions } from './page/page.ts'

const { filename, live, ...others } = examineFlags

export const pageFlags = {
  output: {
    short: 'o',
    placeholder: 'html',
    help: 'The form: one page that needs nothing beside it.',
    default: 'html',
  },
  filename: { ...filename, help: 'Manifests to draw. Otherwise what the current cluster holds.' },
  live: { ...live, help: 'Add what the current cluster holds, read only.' },
  strict: { help: 'Warnings count: exit with 2 where there is one.', default: 'false' },
  ...others,
} as const satisfies Flags

const pageHelp = `Draws InferenceIdentityBindings as a page of HTML: their pools, objectives, ClusterSPIFFEIDs and pods, what is wrong and what to
do about it. It can be searched, and loads nothing from anywhere.

Usage: kleym report -o html > page.html
       kleym report -o html -f FILE --trust-domain DOMAIN > page.html

${describeFlags(pageFlags)}
Exits with 0 if all is well, 2 if something is refused or not Ready, 4 for mistakes of usage, files, connection or
permissions, 5 if the page could not be written.
`

export function pageOptions(argv: readonly string[], env: Environment): ParsedOptions<PageOptions> {
  const line = readFlags(argv, env, pageFlags)
  if (line.help) return { kind: 'help', text: pageHelp }
  const decoder = decoderOf(line)
  const isLive = line.isOn('live') || !line.isGiven('filename')
  const examined = examineOptions(decoder, line, isLive)
  decoder.decode('output', html, 'html')
  const problems = [...line.problems, ...inputProblems(examined, line), ...decoder.problems]
  if (problems.length > 0) return { kind: 'usage', problems }
  return {
    kind: 'options',
    options: { ...examined, strict: line.isOn('strict') },
    cluster: clusterChoice(line),
  }
}

const html = (text: string): Parsed<string> =>
  text === 'html' ? { kind: 'value', value: text } : { kind: 'problem', problem: 'write html' }
