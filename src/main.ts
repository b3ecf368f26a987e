#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './cli/check.ts'
import { checkOptions } from './cli/check-options.ts'
import { inspect } from './cli/inspect.ts'
import { inspectOptions, statusOptions } from './cli/look-options.ts'
import type { ParsedOptions } from './cli/options.ts'
import { exitCodes, usage, type CommandResult } from './cli/result.ts'
import { status, type StatusOptions } from './cli/status.ts'
import { watching } from './cli/watching.ts'
import { nearest } from './core/nearest.ts'
import { stopSignals } from './operator/signals.ts'
import { deferredReads } from './reads/deferred.ts'
import type { OpenReads } from './reads/reads.ts'
import { problemOfNode, version } from './version.ts'

const help = `Usage: kleym COMMAND [flags]

  operator   the admission webhook and the reconcile loop
  check      the verdict on manifests, without a cluster or beside one
  status     how the bindings of a cluster are
  inspect    why workloads get no identity by a binding, or that they do
  version    which version this is

kleym COMMAND --help lists the flags of each.
`

const commands = ['operator', 'check', 'status', 'inspect', 'version'] as const

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
      return once(statusOptions(rest, process.env), lookOn)
    case 'inspect':
      return once(inspectOptions(rest, process.env), (options, reads) =>
        inspect(options, { now, ...screen(), ...reads }),
      )
    case 'version':
    case '-version':
    case '--version':
      return { code: exitCodes.fine, stdout: `kleym ${version}\n`, stderr: '' }
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
  command: (options: Options, reads: OpenReads) => Promise<CommandResult>,
): Promise<CommandResult> {
  switch (parsed.kind) {
    case 'help':
      return { code: exitCodes.fine, stdout: parsed.text, stderr: '' }
    case 'usage':
      return usage(parsed.problems)
    case 'options': {
      const reads = deferredReads(parsed.cluster)
      try {
        return await command(parsed.options, reads)
      } finally {
        await reads.close()
      }
    }
  }
}

/** How wide the terminal is, and whether it shows colours. COLUMNS is for what is none, and is seldom exported. */
function screen(): { readonly width: number | undefined; readonly colored: boolean } {
  const columns = process.stdout.isTTY ? process.stdout.columns : Number(process.env['COLUMNS'])
  return {
    width: columns > 0 ? columns : undefined,
    colored: process.stdout.isTTY && process.stdout.hasColors(),
  }
}

/** How often `kleym status -w` looks. */
const lookEveryMs = 2000

async function lookOn(options: StatusOptions, reads: OpenReads): Promise<CommandResult> {
  const look = (): Promise<CommandResult> =>
    status(options, { now: new Date(), version, ...screen(), ...reads })
  if (!options.watch) return look()
  return watching({
    look,
    print: (words) => write(process.stdout, words),
    wait: async () => {
      await sleep(lookEveryMs)
      await reads.renew()
      return true
    },
    replaces: process.stdout.isTTY,
  })
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

// Stacks tell the lines of the sources, not those of the bundle. Node keeps the maps that it has read for one stack for
// good, tens of MiB: the operator, which runs for months, leaves that to NODE_OPTIONS=--enable-source-maps.
if (argv[0] !== 'operator') process.setSourceMapsEnabled(true)

const problem = problemOfNode(process.versions.node, argv[0])
const { code, stdout, stderr } = problem === undefined ? await run(argv) : usage([problem])
await write(process.stderr, stderr)
process.exit((await write(process.stdout, stdout)) ? code : exitCodes.output)
