import { expect, test } from 'vitest'
import { checkOptions } from '../../src/cli/check-options.ts'
import { inspectOptions } from '../../src/cli/inspect-options.ts'
import { pageOptions } from '../../src/cli/page-options.ts'
import { statusOptions } from '../../src/cli/status-options.ts'
import { operatorFlags } from '../../src/flags/operator.ts'
import type { Flag } from '../../src/flags/read.ts'
import { holdPage, readPage } from './pages.ts'
import { code, row, writtenFrom } from './tables.ts'

function flagRow([name, flag]: readonly [string, Flag]): string {
  const { placeholder, aliases = [], env, default: fallback } = flag
  const names = [
    placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`,
    ...aliases.map((alias) => `--${alias}`),
    ...(env === undefined ? [] : [env]),
  ]
  return row(names.map(code).join(', '), fallback === undefined ? '' : code(fallback), flag.help)
}

function helpOf(command: string, parsed: { readonly kind: string; readonly text?: string }): string {
  if (parsed.text === undefined) throw new Error(`kleym ${command} --help is no help but ${parsed.kind}`)
  return `## kleym ${command}\n\n\`\`\`console\n$ kleym ${command} --help\n${parsed.text}\`\`\`\n`
}

test('docs/reference/flags.md holds every flag of every command', () => {
  const flags = Object.entries<Flag>(operatorFlags)
  const counted = flags.filter(([, flag]) => !flag.ignored)
  const ignored = flags.filter(([, flag]) => flag.ignored)
  expect(counted.length).toBeGreaterThan(20)
  holdPage(
    'docs/reference/flags.md',
    `# Flags

${writtenFrom('the tables of flags', 'test/docs/flags.test.ts')}
A flag can be written as \`--flag VALUE\`, \`--flag=VALUE\` or, as Go's programs take it, with one dash. A switch is \`--flag\`,
\`--flag=true\` or \`--flag=false\`. An environment variable counts only where its flag is absent: a flag that is given with an
empty value wins, and a variable that is set to an empty value counts as set. A mistake keeps the command from starting, and
every mistake is named at once.

## kleym operator

The image calls this command \`kleym-operator\`, as the former operator's image does. A flag without a default is not set
unless its description names what is used then.

| Flag | Default | What it does |
| --- | --- | --- |
${counted.map(flagRow).join('')}
These flags of the former operator are accepted with a warning and do nothing, so that its manifests keep working:
${ignored.map(([name]) => code(`--${name}`)).join(', ')}; so does every other flag that begins with \`--zap-\`.

${helpOf('check', checkOptions(['--help'], {}))}
${helpOf('status', statusOptions(['--help'], {}))}
${helpOf('inspect', inspectOptions(['--help'], {}))}
${helpOf('report', pageOptions(['--help'], {}))}`,
  )
})

test.each(['README.md', 'docs/operations.md'])('%s has no flag in its tables that is not there', (page) => {
  const named = [...readPage(page).matchAll(/^\| `--([a-z-]+)/gm)].map(([, name = '']) => name)
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter((name) => !Object.hasOwn(operatorFlags, name))).toEqual([])
})
