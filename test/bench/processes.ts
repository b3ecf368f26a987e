import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** Linux's USER_HZ, in which /proc counts; 100 on every architecture that Node runs on. */
const ticksPerSecond = 100

/** CPU time of a process so far, user and system together, in seconds. Linux only. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // proc_pid_stat(5): the name may hold anything, so fields are counted from behind it; utime is number 14.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory in bytes: `VmRSS` now, `VmHWM` at its highest. */
export async function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  return Number(kibibytes) * 1024
}

/** The processes of some programs whose command line names a directory, by the name of the program. */
export async function processesIn(
  directory: string,
  programs: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const commands = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const [program = '', ...args] = command.split('\0')
      return programs.includes(basename(program)) && args.some((arg) => arg.includes(directory))
        ? { name: basename(program), pid }
        : undefined
    }),
  )
  return new Map(commands.flatMap((one) => (one ? [[one.name, one.pid] as const] : [])))
}

/** What each process spends while something is done, in seconds. */
export async function spentDuring(
  processes: ReadonlyMap<string, number>,
  work: () => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const read = async () =>
    new Map(
      await Promise.all([...processes].map(async ([name, pid]) => [name, await cpuSecondsOf(pid)] as const)),
    )
  const before = await read()
  await work()
  const after = await read()
  return new Map([...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)]))
}
