import { inspectOptions } from '../cli/inspect-options.ts'
import type { CommandResult } from '../result.ts'
import { once } from './once.ts'
import { screen } from './streams.ts'

export const run = (argv: readonly string[]): Promise<CommandResult> =>
  once(inspectOptions(argv, process.env), async (options, reads) => {
    const { inspect } = await import('../cli/inspect.ts')
    return inspect(options, { now: new Date(), ...screen(), ...reads })
  })
