import { type ChildProcess, type IOType, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'

/**
 * Runs before the program, in its process: leaves a guard behind that reads a pipe whose other end only this
 * Node process holds. A line there means that the program has ended. An end of file without one means that
 * this process is gone, however it went, and that program and scratch directory must go too.
 */
const guard = `
scratch=$1; shift
{
  if ! read -r _ <&3; then
    kill -KILL "$$"
    rm -rf "$scratch" || { sleep 1; rm -rf "$scratch"; }
  fi
} >/dev/null 2>&1 &
exec 3<&-
exec "$@"
`

export type Tethered = {
  readonly process: ChildProcess
  /** Settles when the program has ended, with how it ended. */
  readonly ended: Promise<string>
}

/**
 * Starts a program that can't outlive this process, not even when that is killed. `scratch` is removed then;
 * as long as this process lives, removing it is the caller's. A program that can't be run ends with 127.
 */
export function tether(
  command: readonly string[],
  options: {
    readonly scratch: string
    readonly output: IOType | number
    readonly cwd?: string
    readonly env?: NodeJS.ProcessEnv
  },
): Tethered {
  const { scratch, output, ...rest } = options
  const child = spawn('/bin/sh', ['-c', guard, 'sh', scratch, ...command], {
    ...rest,
    // A group of its own: Ctrl-C is for this process, which then stops the program in good order.
    detached: true,
    // Not standard input: Node closes that by itself when the program ends, which would read as its own end.
    stdio: ['ignore', output, output, 'pipe'],
  })
  return { process: child, ended: release(child) }
}

async function release(child: ChildProcess): Promise<string> {
  const pipe = child.stdio[3]
  if (!(pipe instanceof Socket)) throw new Error('the guard has no pipe')
  // The guard may have been killed too: nobody is left to read.
  pipe.on('error', () => undefined)
  child.once('exit', () => pipe.end('\n'))
  const [code, signal] = await once(child, 'close')
  return typeof code === 'number' ? `exit code ${code}` : `signal ${String(signal)}`
}
