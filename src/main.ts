#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { check } from './cli/check.ts'
import { checkOptions } from './cli/check-options.ts'
import { exitCodes, usage, type CommandResult } from './cli/result.ts'
import { nearest } from './flags/nearest.ts'

const help = `Usage: kleym COMMAND [flags]

  operator   the admission webhook and the reconcile loop
  check      the verdict on manifests, without a cluster or beside one

kleym COMMAND --help lists the flags of each.
`

const commands = ['operator', 'check'] as const

/** What talks to a cluster is loaded when it is needed: the client library alone takes most of a second. */
async function run(argv: readonly string[]): Promise<CommandResult> {
  const [command, ...rest] = argv
  switch (command) {
    case 'operator':
      return (await import('./operator/run.ts')).runOperator(rest, process.env)
    case 'check':
      return runCheck(rest)
    case undefined:
    case 'help':
    case '-h':
    case '-help':
    case '--help':
      return { code: command === undefined ? exitCodes.usage : exitCodes.fine, stdout: help, stderr: '' }
    default: {
      const near = nearest(command, commands)
      return usage([
        `${JSON.stringify(command)} is no command; ${near ? `did you mean ${near}?` : 'see kleym --help'}`,
      ])
    }
  }
}

async function runCheck(argv: readonly string[]): Promise<CommandResult> {
  const parsed = checkOptions(argv, process.env)
  switch (parsed.kind) {
    case 'help':
      return { code: exitCodes.fine, stdout: parsed.text, stderr: '' }
    case 'usage':
      return usage(parsed.problems)
    case 'options':
      return check(parsed.options, {
        now: new Date(),
        readStdin: () => text(process.stdin),
        readCluster: async () => (await import('./snapshot.ts')).snapshotCluster(parsed.cluster),
      })
  }
}

/** Resolves once the text has left the process; false if it can't, as into a closed pipe. */
const write = (stream: NodeJS.WriteStream, output: string): Promise<boolean> =>
  new Promise((resolve) => {
    stream.once('error', () => resolve(false))
    stream.write(output, (error) => resolve(!error))
  })

/** The image and the manifests of the reference operator call the program `kleym-operator`, without a command. */
const argv = process.argv[1]?.endsWith('kleym-operator')
  ? ['operator', ...process.argv.slice(2)]
  : process.argv.slice(2)

const { code, stdout, stderr } = await run(argv)
await write(process.stderr, stderr)
process.exit((await write(process.stdout, stdout)) ? code : exitCodes.output)
