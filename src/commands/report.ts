import { pageOptions } from '../cli/page-options.ts'
import type { CommandResult } from '../result.ts'
import { once } from './once.ts'
import { readStdin } from './streams.ts'

export const run = (argv: readonly string[]): Promise<CommandResult> =>
  once(pageOptions(argv, process.env), async (options, reads) => {
    const { drawPage } = await import('../cli/page/page.ts')
    return drawPage(options, { now: new Date(), ...reads, readStdin })
  })
