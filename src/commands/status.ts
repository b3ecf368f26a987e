import { statusOptions } from '../cli/status-options.ts'
import type { CommandResult } from '../result.ts'
import { version } from '../version.ts'
import { once } from './once.ts'
import { screen, terminalSize, write } from './streams.ts'

/**
 * What is watched is looked at as soon as it changes. The rest is looked at this often: the operator's Deployment and what
 * it publishes, kinds that are not served or whose definition is not watched at the moment, and how long ago things happened. That
 * takes a few requests.
 */
const lookEveryMs = 5000

/** Changes come in groups. Half a second is soon enough for a reader, and two looks a second are cheap. */
const gatherMs = 500

export const run = (argv: readonly string[]): Promise<CommandResult> =>
  once(statusOptions(argv, process.env), async (options, reads) => {
    const { status } = await import('../cli/status.ts')
    const look = (): Promise<CommandResult> =>
      status(options, { now: new Date(), version, ...screen(), ...reads })
    if (!options.watch) return look()
    const { watching } = await import('../cli/watching.ts')
    await reads.follow()
    return watching({
      look,
      print: (words) => write(process.stdout, words),
      warn: (words) => write(process.stderr, words),
      wait: async () => {
        await reads.change({ atMostMs: lookEveryMs, gatherMs })
        await reads.renew()
        return true
      },
      size: terminalSize,
      inLines: options.format === 'text',
      now: () => new Date(),
    })
  })
