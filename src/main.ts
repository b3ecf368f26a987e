#!/usr/bin/env node
import { summaries, type CommandName } from './cli/commands.ts'
import { write } from './commands/streams.ts'
import { exitCodes, usage, type CommandResult } from './result.ts'
import { problemOfNode, version } from './version.ts'

const help = `Usage: kleym COMMAND [flags]

${Object.entries(summaries)
  .map(([name, summary]) => `  ${name.padEnd(10)} ${summary}\n`)
  .join('')}
kleym COMMAND --help lists the flags of each.
`

type Command = { readonly run: (argv: readonly string[]) => Promise<CommandResult> }

/** Each command is loaded when it is called: all of them together take ten times as long to load as Node itself. */
const commands: { readonly [name in Exclude<CommandName, 'version'>]: () => Promise<Command> } = {
  operator: () => import('./commands/operator.ts'),
  check: () => import('./commands/check.ts'),
  status: () => import('./commands/status.ts'),
  inspect: () => import('./commands/inspect.ts'),
  report: () => import('./commands/report.ts'),
  completion: () => import('./commands/completion.ts'),
}

async function run(argv: readonly string[]): Promise<CommandResult> {
  const [word, ...rest] = argv
  switch (word) {
    case 'version':
    case '-version':
    case '--version': {
      const extra = rest.find((one) => !isHelp(one))
      if (extra !== undefined)
        return usage([`unexpected argument ${JSON.stringify(extra)}; write kleym version`])
      return { code: exitCodes.fine, stdout: `kleym ${version}\n`, stderr: '' }
    }
    case undefined:
    case 'help':
    case '-h':
    case '-help':
    case '--help': {
      const about = rest.filter((one) => !isHelp(one))
      if (about.length > 0) return run([...about, '--help'])
      return { code: word === undefined ? exitCodes.usage : exitCodes.fine, stdout: help, stderr: '' }
    }
    default: {
      if (!isCommand(word)) return unknown(word)
      const { run: runCommand } = await commands[word]()
      return runCommand(rest)
    }
  }
}

const isHelp = (word: string): boolean => ['help', '-h', '-help', '--help'].includes(word)

const isCommand = (word: string): word is keyof typeof commands => Object.hasOwn(commands, word)

async function unknown(word: string): Promise<CommandResult> {
  const { nearest } = await import('./core/nearest.ts')
  const near = nearest(word, Object.keys(summaries))
  return usage([
    `${JSON.stringify(word)} is no command; ${near ? `did you mean ${near}?` : 'see kleym --help'}`,
  ])
}

/** The image and the manifests of the former operator call the program `kleym-operator`, without a command. */
const argv = process.argv[1]?.endsWith('kleym-operator')
  ? ['operator', ...process.argv.slice(2)]
  : process.argv.slice(2)

// Stacks tell the lines of the sources, not those of the bundle. Node keeps the maps that it has read for one stack for
// good, tens of MiB: the operator, which runs for months, leaves that to NODE_OPTIONS=--enable-source-maps.
if (argv[0] !== 'operator') process.setSourceMapsEnabled(true)

const problem = problemOfNode(process.versions.node, argv[0])
const { code, stdout, stderr } = problem === undefined ? await run(argv) : usage([problem])
// A stream that has nothing to say is not even made.
if (stderr !== '') await write(process.stderr, stderr)
process.exit(stdout === '' || (await write(process.stdout, stdout)) ? code : exitCodes.output)
