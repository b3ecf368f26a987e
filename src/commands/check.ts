import { checkOptions } from '../cli/check-options.ts'
import type { CommandResult } from '../result.ts'
import { once } from './once.ts'
import { readStdin } from './streams.ts'

export const run = (argv: readonly string[]): Promise<CommandResult> =>
  once(checkOptions(argv, process.env), async (options, reads) => {
    const { check } = await import('../cli/check.ts')
    return check(options, { now: new Date(), ...reads, readStdin })
  })
