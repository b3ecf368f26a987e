import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { tether } from './tether.ts'

const readyWithinMs = 120_000

export type Daemon = {
  /** Ends the program by its process id, and waits for that. A program that has ended already is no error. */
  kill(): Promise<void>
  /** Throws if the program has ended by itself; the error has the last lines of its log. */
  mustRun(): Promise<void>
}

/**
 * Starts a program that serves until it is killed, and waits until `isReady`. The error, when it ends before
 * that or takes too long, has the last lines of its log.
 */
export async function startDaemon(
  directory: string,
  command: readonly [string, ...string[]],
  isReady: () => Promise<boolean>,
): Promise<Daemon> {
  const name = basename(command[0])
  const logPath = join(directory, `${name}.log`)
  const log = await open(logPath, 'a')
  const { process: child, ended } = tether(command, { scratch: directory, output: log.fd })
  await log.close()
  let ending: string | undefined
  const end = ended.then((how) => (ending = how))
  const daemon: Daemon = {
    async kill() {
      if (ending === undefined) child.kill('SIGKILL')
      await end
    },
    async mustRun() {
      if (ending !== undefined) throw new Error(`${name} ended (${ending})\n${await tail(logPath)}`)
    },
  }
  const giveUpAt = performance.now() + readyWithinMs
  while (!(await isReady())) {
    await daemon.mustRun()
    if (performance.now() > giveUpAt) {
      await daemon.kill()
      throw new Error(`${name} is not ready after ${readyWithinMs / 1000} s\n${await tail(logPath)}`)
    }
    await wait(50)
  }
  return daemon
}

/** A port that was free a moment ago: another process can still be quicker. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port')
  return address.port
}

async function tail(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-20).join('\n')
}
