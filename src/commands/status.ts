import type { CommandResult } from '../cli/result.ts'
import { statusOptions } from '../cli/status-options.ts'
import { version } from '../version.ts'
import { once } from './once.ts'
import { screen, write } from './streams.ts'

/** How often `kleym status -w` looks. */
const lookEveryMs = 2000

export const run = (argv: readonly string[]): Promise<CommandResult> =>
  once(statusOptions(argv, process.env), async (options, reads) => {
    const { status } = await import('../cli/status.ts')
    const look = (): Promise<CommandResult> =>
      status(options, { now: new Date(), version, ...screen(), ...reads })
    if (!options.watch) return look()
    const [{ watching }, { setTimeout: sleep }] = await Promise.all([
      import('../cli/watching.ts'),
      import('node:timers/promises'),
    ])
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
  })
