#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { check } from './cli/check.ts'
import { checkOptions } from './cli/check-options.ts'
import type { ClusterReads } from './cli/cluster.ts'
import { inspect } from './cli/inspect.ts'
import { inspectOptions, statusOptions } from './cli/look-options.ts'
import type { ParsedOptions } from './cli/options.ts'
import type { ClusterChoice } from './config.ts'
import { exitCodes, usage, type CommandResult } from './cli/result.ts'
import { status } from './cli/status.ts'
import { nearest } from './core/nearest.ts'
import { stopSignals } from './operator/signals.ts'

const help = `Usage: kleym COMMAND [flags]

  operator   the admission webhook and the reconcile loop
  check      the verdict on manifests, without a cluster or beside one
  status     how the bindings of a cluster are
  inspect    all about one binding

kleym COMMAND --help lists the flags of each.
`

const commands = ['operator', 'check', 'status', 'inspect'] as const

/** What talks to a cluster is loaded when it is needed: the client library alone takes most of a second. */
async function run(argv: readonly string[]): Promise<CommandResult> {
  const [command, ...rest] = argv
  const now = new Date()
  switch (command) {
    case 'operator':
      return runOperator(rest)
    case 'check':
      return once(checkOptions(rest, process.env), (options, { readCluster, readOperator }) =>
        check(options, { now, readCluster, readOperator, readStdin: () => text(process.stdin) }),
      )
    case 'status':
      return once(statusOptions(rest, process.env), (options, reads) => status(options, { now, ...reads }))
    case 'inspect':
      return once(inspectOptions(rest, process.env), (options, reads) => inspect(options, { now, ...reads }))
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

async function runOperator(argv: readonly string[]): Promise<CommandResult> {
  const stop = stopSignals()
  return (await import('./operator/run.ts')).runOperator(argv, process.env, stop)
}

/** A command that looks, says and ends. */
async function once<Options>(
  parsed: ParsedOptions<Options>,
  command: (options: Options, reads: ClusterReads) => Promise<CommandResult>,
): Promise<CommandResult> {
  switch (parsed.kind) {
    case 'help':
      return { code: exitCodes.fine, stdout: parsed.text, stderr: '' }
    case 'usage':
      return usage(parsed.problems)
    case 'options':
      return command(parsed.options, readsOf(parsed.cluster))
  }
}

const readsOf = (choice: ClusterChoice): ClusterReads => ({
  readCluster: async (scope) => (await import('./snapshot.ts')).snapshotCluster(choice, scope),
  readPods: async (at) => (await import('./reads/pods.ts')).readPods(choice, at),
  readOperator: async (namespace) => (await import('./reads/operator.ts')).readOperator(choice, namespace),
})

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
